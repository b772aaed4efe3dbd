"""What could not be told a server for now, or could not be heard of it, while the connection lives on (H1, H5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mcpool.errors import RpcError
from support.fake_server import Act, FakeProcess, FakeServer, Message, tool
from support.world import Ear, World, call, shown

RESOURCES = {
    "tools": {"listChanged": True},
    "logging": {},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
}


def loses(process: FakeProcess, message: Message) -> None:
    process.loses(message, sent=True)


def answers(status: int, **data: object) -> Act:
    return lambda process, message: process.refuses_by_http(message, status, **data)


FAILURES = [loses, answers(429), answers(503, retryAfter="3"), answers(502), answers(500)]
IDS = ["cut", "429", "503", "502", "500"]


def at_first(times: int, server: FakeServer, method: str, act: Act) -> Callable[[], int]:
    """Do `act` for so many messages of this method, and then what is right; returns how many came."""
    came = 0

    def acting(process: FakeProcess, message: Message) -> None:
        nonlocal came
        came += 1
        if came <= times:
            act(process, message)
        else:
            process.acts_by_itself(message)

    server.acts[method] = acting
    return lambda: came


def updated(process: FakeProcess, uri: str) -> None:
    process.says({"method": "notifications/resources/updated", "params": {"uri": uri}})


def methods(ear: Ear) -> list[str]:
    return [method.removeprefix("notifications/") for _, method, _ in ear.heard]


@pytest.mark.parametrize("failure", FAILURES, ids=IDS)
async def test_a_stream_of_changes_that_cannot_be_opened_is_tried_until_it_can(failure: Act) -> None:
    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES)
    came = at_first(4, server, "subscriptions/listen", failure)
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.tools = [tool("new")]  # told to nobody
        await world.passes(60.0)
        assert came() == 5
        assert shown(thread) == ["mcp__fake__new"]
        assert world.backend().status().notes == ()
    assert len(server.processes) == 1


@pytest.mark.parametrize("failure", FAILURES, ids=IDS)
async def test_a_stream_of_changes_that_ends_is_opened_again_whatever_stands_in_the_way(failure: Act) -> None:
    server, ear = FakeServer("fake", eras=("modern",), capabilities=RESOURCES), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.subscribe("fake", "file:///a")
        listening = server.got("subscriptions/listen")[-1]
        at_first(3, server, "subscriptions/listen", failure)
        server.process.loses(listening, sent=True)
        await world.passes(60.0)
        assert set(methods(ear)) == {"prompts/list_changed", "resources/list_changed", "resources/updated"}
        ear.heard.clear()
        updated(server.process, "file:///a")
        await world.passes(1.0)
        assert methods(ear) == ["resources/updated"]


async def test_a_subscription_whose_connection_breaks_is_made_all_the_same() -> None:
    server, ear = FakeServer("fake", eras=("modern",), capabilities=RESOURCES), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.ready()
        at_first(1, server, "subscriptions/listen", loses)
        await thread.subscribe("fake", "file:///a")
        await world.passes(5.0)
        (*_, last) = server.got("subscriptions/listen")
        assert last["params"]["notifications"]["resourceSubscriptions"] == ["file:///a"]
        assert "resources/updated" in methods(ear), "it may have changed before"


async def test_a_stream_that_is_refused_for_good_is_noted_and_not_asked_for_again() -> None:
    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES)
    server.acts["subscriptions/listen"] = lambda process, message: process.refuses(message, -32601, "no such method")
    async with World(server) as world:
        await call(world.thread())
        await world.passes(300.0)
        assert "does not tell of changes" in "".join(world.backend().status().notes)
    assert len(server.got("subscriptions/listen")) == 1


async def test_streams_that_do_not_last_are_opened_slower_and_slower() -> None:
    def ends(process: FakeProcess, message: Message) -> None:
        process.acts_by_itself(message)
        asyncio.get_running_loop().call_later(0.1, lambda: process.answers(message, {}))

    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES, acts={"subscriptions/listen": ends})
    async with World(server) as world:
        await call(world.thread())
        await world.passes(600.0)
    assert len(server.got("subscriptions/listen")) < 20


@pytest.mark.parametrize("failure", FAILURES, ids=IDS)
async def test_subscriptions_that_a_new_connection_does_not_take_are_made_later(failure: Act) -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        thread = world.thread()
        for uri in ("file:///a", "file:///b"):
            await thread.subscribe("fake", uri)
        before = len(server.got("resources/subscribe"))
        at_first(5, server, "resources/subscribe", failure)
        server.process.exit(1)
        await world.passes(60.0)
        made = {m["params"]["uri"] for m in server.got("resources/subscribe")[before + 5 :]}
        assert made == {"file:///a", "file:///b"}
        assert len(server.got("resources/subscribe")) == before + 7


async def test_a_subscription_that_nobody_wants_any_more_is_not_made_later() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        thread = world.thread()
        await thread.subscribe("fake", "file:///a")
        at_first(1, server, "resources/subscribe", loses)
        server.process.exit(1)
        await world.passes(0.1)
        await thread.unsubscribe("fake", "file:///a")
        await world.passes(60.0)
    assert len(server.got("resources/subscribe")) == 2


@pytest.mark.parametrize("failure", FAILURES, ids=IDS)
async def test_a_level_that_a_new_connection_does_not_take_is_set_later(failure: Act) -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        await world.thread().set_log_level("fake", "error")
        await call(world.thread())
        came = at_first(2, server, "logging/setLevel", failure)
        server.process.exit(1)
        await world.passes(60.0)
        assert came() == 3


async def test_a_level_whose_connection_breaks_is_set_all_the_same() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        came = at_first(1, server, "logging/setLevel", loses)
        await thread.set_log_level("fake", "error")
        await world.passes(5.0)
        assert came() == 2


async def test_a_level_that_is_refused_is_told() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    server.acts["logging/setLevel"] = lambda process, message: process.refuses(message, -32602, "no such level")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(RpcError, match="no such level"):
            await thread.set_log_level("fake", "error")
        await world.passes(60.0)
    assert len(server.got("logging/setLevel")) == 1


@pytest.mark.parametrize("failure", FAILURES, ids=IDS)
async def test_a_changed_list_that_cannot_be_read_is_read_later(failure: Act) -> None:
    server, ear = FakeServer("fake"), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.ready()
        server.tools = [tool("new")]
        came = at_first(3, server, "tools/list", failure)
        server.process.says({"method": "notifications/tools/list_changed"})
        await world.passes(30.0)
        assert came() == 4
        assert shown(thread) == ["mcp__fake__new"]
        assert methods(ear) == ["tools/list_changed"]


async def test_what_may_have_gone_untold_is_looked_for() -> None:
    """H1: after the general stream was away the tools are read again, and who may have missed something is told."""
    server, ear, other = FakeServer("fake", capabilities=RESOURCES), Ear(), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await world.thread(other).refresh()
        await thread.subscribe("fake", "file:///a")
        server.tools = [tool("new")]
        server.process.was_not_heard()
        await world.passes(1.0)
        assert shown(thread) == ["mcp__fake__new"]
        lists = ["prompts/list_changed", "resources/list_changed"]
        assert methods(ear) == [*lists, "resources/updated", "tools/list_changed"]
        assert methods(other) == [*lists, "tools/list_changed"]


async def test_where_nothing_was_missed_nobody_hears_of_the_tools() -> None:
    server, ear = FakeServer("fake"), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.ready()
        for _ in range(3):
            server.process.was_not_heard()
            await world.passes(1.0)
    assert len(server.got("tools/list")) == 4
    assert ear.heard == []
