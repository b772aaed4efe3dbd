"""What a server tells: each thread hears what it asked for, and what its own calls cause."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpool.errors import CallTimeout, RpcError
from support.fake_server import FakeProcess, FakeServer, Message, nothing, tool
from support.world import Ear, World, call, config, shown

RESOURCES = {"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True, "listChanged": True}}


def levels(server: FakeServer) -> list[str]:
    return [m["params"]["level"] for m in server.got("logging/setLevel")]


def says_log(process: FakeProcess, level: str) -> None:
    process.says({"method": "notifications/message", "params": {"level": level, "data": level}})


def logs(ear: Ear) -> list[str]:
    return [params["level"] for _, method, params in ear.heard if method == "notifications/message"]


def changed(process: FakeProcess, kind: str = "tools") -> None:
    process.says({"method": f"notifications/{kind}/list_changed"})


async def test_the_server_logs_at_the_lowest_level_that_anybody_wants() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        first, second, third = (world.thread() for _ in range(3))
        await first.ready()
        await first.set_log_level("fake", "warning")
        await second.set_log_level("fake", "debug")
        await third.set_log_level("fake", "error")
    assert levels(server) == ["warning", "debug"]


async def test_each_thread_hears_from_its_own_level_on() -> None:
    server, calm, curious, silent = FakeServer("fake"), Ear(), Ear(), Ear()
    async with World(server) as world:
        threads = [world.thread(ear) for ear in (calm, curious, silent)]
        await threads[0].ready()
        await threads[0].set_log_level("fake", "error")
        await threads[1].set_log_level(None, "debug")
        for level in ("debug", "warning", "error", "emergency"):
            says_log(server.process, level)
        await world.passes(1.0)
    assert logs(calm) == ["error", "emergency"]
    assert logs(curious) == ["debug", "warning", "error", "emergency"]
    assert logs(silent) == []


async def test_a_sole_caller_hears_what_its_call_makes_the_server_log() -> None:
    def logs_and_answers(process: FakeProcess, message: Message) -> None:
        says_log(process, "info")
        process.answers(message, {"content": [{"type": "text", "text": "1"}]})

    server, ear, other = FakeServer("fake", acts={"tools/call": logs_and_answers}), Ear(), Ear()
    async with World(server) as world:
        world.thread(other)
        await call(world.thread(ear))
    assert (logs(ear), logs(other)) == (["info"], [])


async def test_a_level_is_set_again_after_a_restart() -> None:
    """H5"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await thread.set_log_level("fake", "info")
        server.process.exit(1)
        await thread.ready()
    assert levels(server) == ["info", "info"]


async def test_a_level_holds_for_the_server_that_replaces_this_one() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await thread.set_log_level(None, "info")
        world.threads.reload()
        await thread.ready()
    assert levels(server) == ["info", "info"]


async def test_a_level_that_is_set_while_the_server_dies_is_set_on_the_next() -> None:
    def exits(process: FakeProcess, message: Message) -> None:
        del server.acts["logging/setLevel"]
        process.exit(1)

    server = FakeServer("fake", acts={"logging/setLevel": exits})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await thread.set_log_level("fake", "info")
        await thread.ready()
    assert levels(server) == ["info", "info"]


async def test_a_modern_server_is_told_the_callers_level_with_each_request() -> None:
    server = FakeServer("fake", eras=("modern",))
    async with World(server) as world:
        loud, quiet = world.thread(), world.thread()
        await loud.set_log_level("fake", "debug")
        await call(loud)
        await call(quiet)
    key = "io.modelcontextprotocol/logLevel"
    assert [m["params"]["_meta"].get(key) for m in server.got("tools/call")] == ["debug", None]


async def test_the_server_is_asked_for_the_first_subscriber_and_told_of_the_last() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        first, second = world.thread(), world.thread()
        for thread in (first, second):
            await thread.subscribe("fake", "file:///a")
        await first.unsubscribe("fake", "file:///a")
        assert (len(server.got("resources/subscribe")), len(server.got("resources/unsubscribe"))) == (1, 0)
        await second.unsubscribe("fake", "file:///a")
    assert (len(server.got("resources/subscribe")), len(server.got("resources/unsubscribe"))) == (1, 1)


async def test_only_subscribers_hear_of_an_update() -> None:
    server, ear, other = FakeServer("fake", capabilities=RESOURCES), Ear(), Ear()
    async with World(server) as world:
        await world.thread(ear).subscribe("fake", "file:///a")
        await world.thread(other).subscribe("fake", "file:///b")
        server.process.says({"method": "notifications/resources/updated", "params": {"uri": "file:///a"}})
        await world.passes(1.0)
    assert ear.heard == [("fake", "notifications/resources/updated", {"uri": "file:///a"})]
    assert other.heard == []


async def test_a_subscription_that_the_server_refuses_is_not_remembered() -> None:
    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses(message, -32002, "no such resource")

    server = FakeServer("fake", capabilities=RESOURCES, acts={"resources/subscribe": refuses})
    async with World(server) as world:
        thread = world.thread()
        with pytest.raises(RpcError, match="no such resource"):
            await thread.subscribe("fake", "file:///a")
        assert world.backend().holders.uris == ()


@pytest.mark.parametrize("end", ["exit", "reload"])
async def test_a_subscription_is_made_again_with_the_process_that_follows(end: str) -> None:
    """H5"""
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        thread = world.thread()
        await thread.subscribe("fake", "file:///a")
        if end == "exit":
            server.process.exit(1)
        else:
            world.threads.reload()
        await thread.ready()
    assert [m["params"]["uri"] for m in server.got("resources/subscribe")] == ["file:///a"] * 2


async def test_a_modern_server_is_listened_to_for_what_is_subscribed_and_no_more() -> None:
    server, ear = FakeServer("fake", eras=("modern",), capabilities=RESOURCES), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.subscribe("fake", "file:///a")
        await thread.unsubscribe("fake", "file:///a")
        await server.receives("notifications/cancelled", 2)  # a stream that is replaced is closed
        filters = [
            m["params"]["notifications"].get("resourceSubscriptions") for m in server.got("subscriptions/listen")
        ]
    assert filters == [None, ["file:///a"], None]


async def test_changes_of_the_tool_list_in_a_burst_are_read_once() -> None:
    server, ear = FakeServer("fake"), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.ready()
        server.tools = [tool("new"), tool("newer")]
        for _ in range(5):
            changed(server.process)
            await world.passes(0.01)
        await world.passes(2.0)
        assert shown(thread) == ["mcp__fake__new", "mcp__fake__newer"]
    assert len(server.got("tools/list")) == 2
    assert ear.heard == [("fake", "notifications/tools/list_changed", None)]


async def test_a_list_that_never_stops_changing_is_read_all_the_same() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.tools = [tool("new")]
        for _ in range(20):
            changed(server.process)
            await world.passes(0.1)
        assert shown(thread) == ["mcp__fake__new"]
    assert len(server.got("tools/list")) < 12


async def test_a_change_during_the_reading_is_read_as_well() -> None:
    def lists_late(process: FakeProcess, message: Message) -> None:
        listed = list(server.tools)
        world.loop.call_later(5.0, process.answers, message, {"tools": listed})

    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.acts["tools/list"] = lists_late
        for name in ("b", "c"):
            server.tools = [tool(name)]
            changed(server.process)
            await world.passes(1.0)
        await world.passes(20.0)
        assert shown(thread) == ["mcp__fake__c"]


async def test_a_list_that_cannot_be_read_again_leaves_the_old_one() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(startup_timeout=10.0)]) as world:
        thread = world.thread()
        await thread.ready()
        server.acts["tools/list"] = nothing
        changed(server.process)
        await world.passes(60.0)
        assert shown(thread) == ["mcp__fake__echo"]
        assert "could not be read" in "".join(world.backend().status().notes)


async def test_everybody_hears_that_prompts_changed() -> None:
    server, ears = FakeServer("fake"), [Ear(), Ear()]
    async with World(server) as world:
        threads = [world.thread(ear) for ear in ears]
        await threads[0].ready()
        changed(server.process, "prompts")
        await world.passes(1.0)
    assert [ear.heard for ear in ears] == [[("fake", "notifications/prompts/list_changed", None)]] * 2


async def test_a_listener_that_raises_costs_nobody_else_the_message() -> None:
    class Broken(Ear):
        def on_notification(self, server: str, method: str, params: bytes | None) -> None:
            raise ZeroDivisionError("in the program")

    server, ear = FakeServer("fake"), Ear()
    async with World(server) as world:
        await world.thread(Broken()).ready()
        world.thread(ear)
        changed(server.process, "prompts")
        await world.passes(1.0)
        assert "ZeroDivisionError" in world.defects.pop()
    assert len(ear.heard) == 1


async def test_progress_goes_to_the_caller_alone() -> None:
    def reports(process: FakeProcess, message: Message) -> None:
        token = message["params"]["_meta"]["progressToken"]
        for done in (1, 2):
            params = {"progressToken": token, "progress": done, "total": 2, "message": f"step {done}"}
            process.says({"method": "notifications/progress", "params": params})
        process.answers(message, {"content": []})

    seen: dict[int, list[Any]] = {0: [], 1: []}
    ear = Ear()
    async with World(FakeServer("fake", acts={"tools/call": reports})) as world:

        async def run(number: int) -> None:
            def report(done: float, total: float | None, message: str | None) -> None:
                seen[number].append((done, total, message))

            async with world.thread(ear).step() as step:
                await step.call("mcp__fake__echo", on_progress=report)

        await asyncio.gather(run(0), run(1))
    assert seen[0] == seen[1] == [(1.0, 2.0, "step 1"), (2.0, 2.0, "step 2")]
    assert ear.heard == []


async def test_wishes_move_to_a_running_server_with_the_thread() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server, configs=[config(env=(("KEY", "1"),))]) as world:
        thread = world.thread()
        await thread.subscribe("fake", "file:///a")
        await thread.set_log_level("fake", "info")
        bystander = world.thread()
        await bystander.ready()
        with bystander.capture():  # keeps the first process
            world.threads.apply([config(env=(("KEY", "2"),))])
            await world.thread().ready()
            world.threads.apply([config(env=(("KEY", "1"),))])
            await server.receives("resources/subscribe", 3)
    assert [m["params"]["uri"] for m in server.got("resources/subscribe")] == ["file:///a"] * 3
    assert levels(server) == ["info", "info"], "the first process still logs at the level it was told"


async def test_a_server_that_does_not_take_a_level_keeps_no_other_waiting() -> None:
    stubborn, willing = FakeServer("stubborn", acts={"logging/setLevel": nothing}), FakeServer("willing")
    async with World(stubborn, willing) as world:
        thread = world.thread()
        await thread.ready()
        setting = asyncio.create_task(thread.set_log_level(None, "info"))
        await willing.receives("logging/setLevel")
        assert world.loop.time() < 1.0
        with pytest.raises(CallTimeout):
            await setting


async def test_a_level_for_all_replaces_the_one_for_a_single_server() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.set_log_level("fake", "error")
        await thread.set_log_level(None, "info")
        world.threads.reload()
        await thread.ready()
    assert levels(server) == ["info"]


async def test_a_level_that_does_not_exist_is_refused_and_spoils_no_later_change() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        with pytest.raises(ValueError, match="'loud' is no log level"):
            await thread.set_log_level("fake", "loud")
        world.threads.reload()
        assert await thread.ready() == {"fake": None}


def updated(process: FakeProcess, uri: str) -> None:
    process.says({"method": "notifications/resources/updated", "params": {"uri": uri}})


def open_streams(server: FakeServer) -> list[list[str]]:
    """The resources that each `subscriptions/listen` asked for which was not cancelled."""
    closed = {m["params"]["requestId"] for m in server.got("notifications/cancelled")}
    return [
        m["params"]["notifications"].get("resourceSubscriptions", [])
        for m in server.got("subscriptions/listen")
        if m["id"] not in closed
    ]


async def test_threads_that_subscribe_at_once_leave_a_modern_server_with_one_stream() -> None:
    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES)
    async with World(server) as world:
        threads = [world.thread() for _ in range(3)]
        await asyncio.gather(*(t.subscribe("fake", f"file:///{n}") for n, t in enumerate(threads)))
        await world.passes(1.0)
        assert open_streams(server) == [["file:///0", "file:///1", "file:///2"]]


async def test_a_stream_that_cannot_be_opened_leaves_the_one_before_and_nothing_doubled() -> None:
    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES)
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.acts["subscriptions/listen"] = lambda process, message: process.refuses(message, -32603, "not now")
        with pytest.raises(RpcError, match="not now"):
            await thread.subscribe("fake", "file:///a")
        del server.acts["subscriptions/listen"]
        await thread.subscribe("fake", "file:///b")
        await world.passes(1.0)
        refused = server.got("subscriptions/listen")[1]["params"]["notifications"]["resourceSubscriptions"]
        assert open_streams(server) == [refused, ["file:///b"]]


async def test_the_server_is_told_when_the_last_who_wished_leaves() -> None:
    server = FakeServer("fake", capabilities=RESOURCES)
    async with World(server) as world:
        staying, leaving = world.thread(), world.thread()
        for thread, level in ((staying, "error"), (leaving, "debug")):
            await thread.subscribe("fake", "file:///both")
            await thread.set_log_level("fake", level)
        await leaving.subscribe("fake", "file:///leaving")
        await leaving.close()
        await world.passes(1.0)
    assert [m["params"]["uri"] for m in server.got("resources/unsubscribe")] == ["file:///leaving"]
    assert levels(server) == ["error", "debug", "error"]


async def test_a_modern_server_is_listened_to_for_those_who_stay() -> None:
    server = FakeServer("fake", eras=("modern",), capabilities=RESOURCES)
    async with World(server) as world:
        staying, leaving = world.thread(), world.thread()
        await staying.subscribe("fake", "file:///staying")
        await leaving.subscribe("fake", "file:///leaving")
        await leaving.close()
        await world.passes(1.0)
        assert open_streams(server) == [["file:///staying"]]


async def test_a_subscriber_that_gives_up_takes_nobody_with_it() -> None:
    server, ear = FakeServer("fake", capabilities=RESOURCES, acts={"resources/subscribe": nothing}), Ear()
    async with World(server) as world:
        first, second = world.thread(), world.thread(ear)
        giving_up = asyncio.create_task(first.subscribe("fake", "file:///a"))
        await server.receives("resources/subscribe")
        await second.subscribe("fake", "file:///a")
        giving_up.cancel()
        await server.receives("resources/subscribe", 2)


async def test_threads_of_one_name_hear_what_is_theirs() -> None:
    """The first has closed, and a call of it still runs."""
    server, old, new = FakeServer("fake", capabilities=RESOURCES, acts={"tools/call": nothing}), Ear(), Ear()
    async with World(server) as world:
        first = world.thread(old, id="same")
        calling = asyncio.create_task(call(first))
        await server.receives("tools/call")
        await first.close()
        await world.thread(new, id="same").subscribe("fake", "file:///a")
        updated(server.process, "file:///a")
        await world.passes(1.0)
        calling.cancel()
    assert (len(old.heard), len(new.heard)) == (0, 1)
