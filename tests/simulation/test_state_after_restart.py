"""What a new process is told before anybody uses it, and what a thread is told of the one that is gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpool.errors import CallTimeout, ServerUnavailable
from mcpool.threads.thread import Thread
from support.fake_server import FakeProcess, FakeServer, Message, nothing
from support.world import Ear, World, call, config

LISTENING: Message = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
KEY = "codex/sandbox-state-meta"
WANTS_SANDBOX: Message = {"tools": {}, "experimental": {KEY: {}}}


async def lost(thread: Thread) -> tuple[str, ...]:
    await thread.refresh()
    with thread.capture() as step:
        return step.lost_state


async def test_a_new_process_knows_what_is_wished_before_it_gets_a_call() -> None:
    """H5"""
    server = FakeServer("fake", capabilities={**LISTENING, "logging": {}})
    async with World(server) as world:
        thread = world.thread()
        await thread.subscribe("fake", "file:///a")
        await thread.set_log_level("fake", "info")
        server.process.exit(1)
        await call(thread)
    methods = [message["method"] for message in server.process.received]
    assert methods.index("tools/call") > max(methods.index("logging/setLevel"), methods.index("resources/subscribe"))


async def test_a_stream_of_changes_that_the_server_ends_is_opened_again_and_what_it_missed_is_read() -> None:
    """H5"""
    server = FakeServer("fake", eras=("modern",), capabilities=LISTENING)
    async with World(server) as world:
        thread = world.thread()
        await thread.subscribe("fake", "file:///a")
        await world.passes(1.0)
        streams, lists = len(server.got("subscriptions/listen")), len(server.got("tools/list"))
        server.process.answers(server.got("subscriptions/listen")[-1], {})
        await world.passes(10.0)
        assert len(server.got("subscriptions/listen")) == streams + 1
        again = server.got("subscriptions/listen")[-1]["params"]["notifications"]
        assert again["resourceSubscriptions"] == ["file:///a"]
        assert len(server.got("tools/list")) == lists + 1


async def test_a_server_that_ends_each_stream_at_once_is_not_asked_all_the_time() -> None:
    """Invariant 9."""

    def acknowledges_and_ends(process: FakeProcess, message: Message) -> None:
        meta = {"io.modelcontextprotocol/subscriptionId": message["id"]}
        params = {"_meta": meta, "notifications": message["params"]["notifications"]}
        process.says({"method": "notifications/subscriptions/acknowledged", "params": params})
        process.answers(message, {})

    server = FakeServer(
        "fake", eras=("modern",), capabilities=LISTENING, acts={"subscriptions/listen": acknowledges_and_ends}
    )
    async with World(server) as world:
        await world.thread().ready()
        await world.passes(600.0)
        assert 5 < len(server.got("subscriptions/listen")) < 30


async def test_a_servers_sandbox_is_its_callers() -> None:
    """H5: with each call, so that a new process needs not be told."""
    server = FakeServer("fake", capabilities=WANTS_SANDBOX)
    async with World(server) as world:
        first, second, third = world.thread(), world.thread(), world.thread()
        first.set_sandbox_state({"mode": "read-only"})
        second.set_sandbox_state({"mode": "none"})
        await call(first)
        await call(second)
        await call(third)
        server.process.exit(1)
        await call(first)
    told = [message["params"].get("_meta", {}).get(KEY) for message in server.got("tools/call")]
    assert told == [{"mode": "read-only"}, {"mode": "none"}, None, {"mode": "read-only"}]
    assert len(server.processes) == 2, "it is no part of what makes them one process"


async def test_a_server_that_does_not_ask_for_the_sandbox_is_not_told() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        thread.set_sandbox_state({"mode": "read-only"})
        await call(thread)
    assert KEY not in server.got("tools/call")[0]["params"].get("_meta", {})


async def test_each_thread_is_told_once_that_a_server_lost_its_state() -> None:
    kept, dropped = FakeServer("kept"), FakeServer("dropped")
    async with World(kept, dropped) as world:
        first, second = world.thread(), world.thread()
        await first.ready()
        assert (await lost(first), await lost(second)) == ((), ())
        dropped.process.exit(1)
        assert (await lost(first), await lost(first)) == (("dropped",), ())
        await world.passes(1.0)
        assert (await lost(second), await lost(second), await lost(first)) == (("dropped",), (), ())


async def test_a_thread_that_came_later_lost_nothing() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        await call(world.thread())
        server.process.exit(1)
        await world.passes(1.0)
        assert await lost(world.thread()) == ()


async def test_a_first_start_is_no_loss() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        assert await lost(thread) == ()
        await thread.ready()
        assert await lost(thread) == ()


@pytest.mark.parametrize("what", ["idle", "reload", "reconnect"])
async def test_whatever_ended_the_process_its_state_is_lost(what: str) -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(stop_when_unused=True, idle_timeout=5.0)]) as world:
        thread = world.thread()
        await call(thread)
        if what == "idle":
            await world.passes(20.0)
        elif what == "reload":
            world.threads.reload()
        else:
            await world.pool.reconnect("fake")
        assert (await lost(thread), await lost(thread)) == (("fake",), ())


async def test_a_changed_view_loses_nothing() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        await call(thread)
        assert await lost(thread) == ()
        world.configure("fake", tool_timeout=17.0)
        assert await lost(thread) == ()


def reports(process: FakeProcess, message: Message, times: int, every: float) -> None:
    token = message["params"].get("_meta", {}).get("progressToken")
    for n in range(1, times + 1 if token is not None else 1):
        params = {"progressToken": token, "progress": n}
        asyncio.get_running_loop().call_later(
            n * every, process.says, {"method": "notifications/progress", "params": params}
        )


async def elapsed(world: World, thread: Thread, **more: Any) -> float:
    """How long a call runs until it is given up."""
    await thread.ready()
    begun = world.loop.time()
    async with thread.step() as step:
        with pytest.raises(CallTimeout):
            await step.call("mcp__fake__echo", **more)
    return world.loop.time() - begun


def heard(done: float, total: float | None, message: str | None) -> None:
    """Progress."""


EXTENDED: dict[str, Any] = {"tool_timeout": 10.0, "progress_extends_timeout": True, "tool_timeout_max": 50.0}


@pytest.mark.parametrize(
    ("settings", "progress", "more", "seconds"),
    list[tuple[dict[str, Any], int, dict[str, Any], float]](
        [
            ({"tool_timeout": 10.0}, 3, {"on_progress": heard}, 10.0),
            (EXTENDED, 0, {}, 10.0),
            (EXTENDED, 3, {}, 34.0),
            (EXTENDED, 100, {}, 50.0),
            (EXTENDED, 100, {"timeout": 9.0}, 9.0),
        ]
    ),
)
async def test_progress_extends_the_time_of_a_call_if_the_configuration_says_so(
    settings: dict[str, Any], progress: int, more: dict[str, Any], seconds: float
) -> None:
    """Up to a limit, and never beyond what the caller itself allows."""
    server = FakeServer("fake", acts={"tools/call": lambda process, message: reports(process, message, progress, 8.0)})
    if not progress:
        server.acts["tools/call"] = nothing
    async with World(server, configs=[config(**settings)]) as world:
        assert await elapsed(world, world.thread(), **more) == pytest.approx(seconds, abs=0.1)


async def test_a_caller_that_asked_for_no_progress_hears_of_none() -> None:
    def reports_and_answers(process: FakeProcess, message: Message) -> None:
        empty: Message = {"content": []}
        reports(process, message, 1, 0.1)
        asyncio.get_running_loop().call_later(0.2, process.answers, message, empty)

    ear = Ear()
    server = FakeServer("fake", acts={"tools/call": reports_and_answers})
    async with World(server, configs=[config(**EXTENDED)]) as world, world.thread(ear).step() as step:
        await step.call("mcp__fake__echo")
    assert ear.heard == []


async def test_an_error_calls_the_server_by_the_name_that_its_caller_has_for_it() -> None:
    """Two names for what is configured alike are one process."""
    server = FakeServer("fake", acts={"tools/call": nothing})
    settings: dict[str, Any] = {"command": "fake", "tool_timeout": 5.0}
    async with World(server, configs=[config("one", **settings), config("two", **settings)]) as world:
        thread = world.thread()
        await thread.ready()
        for name in ("one", "two"):
            with pytest.raises(CallTimeout, match=f"^`{name}`: no answer") as caught:
                await call(thread, server=name)
            assert caught.value.server == name
        await world.pool.reconnect("one")
        await world.pool.reconnect("two")
    assert len(server.processes) == 3


async def test_a_start_that_fails_is_told_under_the_callers_name() -> None:
    server = FakeServer("fake", fails_to_start="no such program")
    async with World(server, configs=[config("one", command="fake"), config("two", command="fake")]) as world:
        outcomes = await world.thread().ready()
        assert [str(outcomes[name]).partition(":")[0] for name in ("one", "two")] == ["`one`", "`two`"]
        assert isinstance(outcomes["two"], ServerUnavailable)
