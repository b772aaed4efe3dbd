"""For whom a step waits before it shows its tools, and what it shows of servers that do not run (L3 of the design)."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.backend.catalogues import Kept
from mcpool.backend.first_sight import MOST
from mcpool.backend.lifecycle import State
from mcpool.catalog.identity import Identity
from mcpool.errors import ToolChanged
from mcpool.runtime.approval_request import ApprovalRequest
from support.fake_server import FakeServer, tool
from support.world import World, call, config, shown

ECHO = "mcp__fake__echo"


class Shelf:
    """A store of lists, in memory; `stale` is what it says of those that it has."""

    def __init__(self) -> None:
        self.kept: dict[Identity, tuple[bytes, ...]] = {}
        self.stale = False
        self.saved = 0

    def load(self, identity: Identity) -> Kept | None:
        tools = self.kept.get(identity)
        return None if tools is None else Kept(tools, self.stale)

    def save(self, identity: Identity, tools: tuple[bytes, ...]) -> None:
        self.kept[identity] = tools
        self.saved += 1


async def filled(server: FakeServer) -> Shelf:
    """What a host keeps that has used the server."""
    shelf = Shelf()
    async with World(server, store=shelf) as world:
        await world.thread().ready()
    server.processes.clear()
    return shelf


# ---------------------------------------------------------------------- never seen


async def test_all_servers_never_seen_share_one_grace() -> None:
    """Scenario L3."""
    slow = [FakeServer(name, slow_start=20.0) for name in "abc"]
    async with World(FakeServer("quick"), *slow) as world, world.thread().step() as step:
        assert world.loop.time() == pytest.approx(1.0)
        assert list(step.tools) == ["mcp__quick__echo"]
        assert step.tools.pending == ("a", "b", "c")


async def test_the_tools_of_a_slow_server_are_in_a_later_step_of_the_same_turn() -> None:
    slow = FakeServer("fake", slow_start=3.0)
    async with World(slow) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert list(step.tools) == []
            await world.passes(5.0)
            assert list(step.tools) == [], "a step shows the same to its end"
        async with thread.step() as step:
            assert list(step.tools) == [ECHO]


async def test_a_server_that_is_at_work_is_waited_for_longer_than_one_that_only_waits() -> None:
    busy, idle = FakeServer("busy", slow_start=4.0, busy_start=4.0), FakeServer("idle", slow_start=4.0)
    async with World(busy, configs=[config("busy")]) as world, world.thread().step() as step:
        assert list(step.tools) == ["mcp__busy__echo"]
    async with World(idle, configs=[config("idle")]) as world, world.thread().step() as step:
        assert list(step.tools) == []


async def test_a_server_that_works_and_works_is_not_waited_for_for_ever() -> None:
    busy = FakeServer("fake", slow_start=1000.0, busy_start=1000.0)
    async with World(busy) as world, world.thread().step() as step:
        assert world.loop.time() == pytest.approx(MOST, abs=0.3)
        assert list(step.tools) == []


async def test_twenty_threads_that_start_a_usual_server_at_once_all_have_its_tools_in_their_first_step() -> None:
    usual = FakeServer("fake", slow_start=2.5, busy_start=2.5)
    async with World(usual) as world:
        answers = await asyncio.gather(*(call(world.thread()) for _ in range(20)))
    assert {answer["pid"] for answer in answers} == {1000}


async def test_so_do_twenty_threads_with_a_process_each() -> None:
    usual = FakeServer("fake", slow_start=2.5, busy_start=2.5)
    async with World(usual, configs=[config(scope="thread")]) as world:
        answers = await asyncio.gather(*(call(world.thread()) for _ in range(20)))
    assert len({answer["pid"] for answer in answers}) == 20


async def test_nobody_waits_where_no_grace_is_given() -> None:
    busy = FakeServer("fake", slow_start=0.5, busy_start=0.5)
    async with World(busy, grace=0.0) as world, world.thread().step() as step:
        assert world.loop.time() == 0.0
        assert step.tools.pending == ("fake",)


async def test_who_was_waited_for_in_vain_is_not_waited_for_again_by_any_thread() -> None:
    """Scenario L3. Not by the next step, nor by a thread that opens later."""
    async with World(FakeServer("fake", slow_start=20.0)) as world:
        thread = world.thread()
        for each in (thread, thread, world.thread()):
            async with each.step() as step:
                assert world.loop.time() == pytest.approx(1.0)
                assert list(step.tools) == []
        await world.passes(20.0)
        for each in (thread, world.thread()):
            began = world.loop.time()
            async with each.step() as step:
                assert world.loop.time() == began
                assert list(step.tools) == [ECHO]


async def test_an_optional_server_that_fails_for_good_leaves_what_is_shown_as_it_was() -> None:
    """Scenario L3. The specs are the very same before and after."""
    broken = FakeServer("broken", slow_start=5.0)
    configs = [config(), config("broken", startup_timeout=3.0, restart_max=0)]
    async with World(FakeServer("fake"), broken, configs=configs) as world:
        thread = world.thread()
        async with thread.step() as step:
            before = step.tools.openai()
        assert (await thread.ready())["broken"] is not None
        async with thread.step() as step:
            assert step.tools.openai() is before


async def test_a_start_that_fails_is_not_waited_for_any_longer() -> None:
    async with World(FakeServer("fake", fails_to_start="no such command")) as world, world.thread().step():
        assert world.loop.time() < 0.1


# ---------------------------------------------------------------------- wanted


async def test_a_server_that_was_mentioned_is_waited_for_until_it_runs() -> None:
    """Scenario L3."""
    slow, other = FakeServer("slow", slow_start=15.0), FakeServer("other", slow_start=100.0)
    async with World(slow, other) as world, world.thread().step(mentions=["slow", "no such server"]) as step:
        assert 15.0 <= world.loop.time() < 16.0
        assert list(step.tools) == ["mcp__slow__echo"]


async def test_one_mentioned_in_the_middle_of_a_turn_is_waited_for_by_the_next_step_alone() -> None:
    slow = FakeServer("fake", slow_start=15.0)
    async with World(slow) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert list(step.tools) == []
            thread.mention("fake")
        async with thread.step() as step:
            assert list(step.tools) == [ECHO]
        slow.process.exit(1)
        began = world.loop.time()
        async with thread.step() as step:
            assert world.loop.time() == began, "it was mentioned once"


async def test_a_step_that_is_cancelled_does_not_forget_who_was_mentioned() -> None:
    slow = FakeServer("fake", slow_start=15.0)
    async with World(slow) as world:
        thread = world.thread()
        thread.mention("fake")
        beginning = asyncio.create_task(call(thread))
        await world.passes(5.0)
        beginning.cancel()
        await asyncio.wait([beginning])
        assert (await call(thread))["pid"] == 1000


async def test_a_mentioned_server_that_fails_fails_no_step() -> None:
    """Invariant 10."""
    broken = FakeServer("fake", fails_to_start="no such command")
    async with World(broken) as world, world.thread().step(mentions=["fake"]) as step:
        assert list(step.tools) == []


async def test_a_required_server_is_waited_for_by_every_step() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(required=True)]) as world, world.thread() as thread:
        server.slow_start = 15.0
        server.process.exit(1)
        async with thread.step():
            assert world.backend().state is State.READY


# ---------------------------------------------------------------------- seen before


async def test_a_fresh_host_shows_the_tools_of_a_known_server_at_once_and_starts_nothing() -> None:
    """Scenario L3."""
    server = FakeServer("fake")
    shelf = await filled(server)
    server.slow_start = 10.0
    async with World(server, store=shelf) as world:
        thread, began = world.thread(), world.loop.time()
        async with thread.step() as step:
            assert world.loop.time() == began
            assert list(step.tools) == [ECHO]
            assert step.tools.pending == ()
            assert server.processes == []
            await step.call(ECHO)
        assert len(server.processes) == 1


async def test_the_specs_are_byte_identical_across_hosts_where_the_list_is_equal() -> None:
    server = FakeServer("fake", tools=[tool("b", description="x"), tool("a")])
    shelf = Shelf()
    seen: list[object] = []
    for _ in range(2):
        async with World(server, store=shelf) as world, world.thread().step() as step:
            seen.append(step.tools.openai())
            await step.call("mcp__fake__a")
        async with World(server) as world, world.thread().step() as step:
            seen.append(step.tools.openai())
    assert repr(seen[0]) == repr(seen[1]) == repr(seen[2]) == repr(seen[3])
    assert shelf.saved == 1


async def test_a_remembered_list_is_replaced_by_the_live_one_with_the_next_step() -> None:
    server = FakeServer("fake")
    shelf = await filled(server)
    server.tools = [tool("echo"), tool("new")]
    async with World(server, store=shelf) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert len(step.tools) == 1
            await step.call(ECHO)
            assert len(step.tools) == 1
        async with thread.step() as step:
            assert len(step.tools) == 2
        assert [len(tools) for tools in shelf.kept.values()] == [2]


async def test_a_call_of_a_remembered_tool_that_changed_is_refused_and_nothing_is_sent() -> None:
    """Scenario L4. Therefore lists are remembered also where an identity cannot hold all that they depend on, as with
    variables of an executor and helpers for headers."""
    server = FakeServer("fake")
    shelf = await filled(server)
    server.tools = [tool("echo", description="deletes everything")]
    async with World(server, store=shelf) as world, world.thread().step() as step:
        with pytest.raises(ToolChanged, match="tools of the next step"):
            await step.call(ECHO)
    assert server.got("tools/call") == []


async def test_a_remembered_tool_that_is_for_applications_alone_by_now_is_refused_and_says_so() -> None:
    """Scenario L1."""
    server = FakeServer("fake", tools=[tool("echo"), tool("other")])
    shelf = await filled(server)
    server.tools = [tool("echo", _meta={"ui": {"visibility": ["app"]}}), tool("other")]
    async with World(server, store=shelf) as world:
        thread = world.thread()
        async with thread.step() as step:
            with pytest.raises(ToolChanged, match="not available to the model"):
                await step.call(ECHO)
            await step.call("mcp__fake__other")
        async with thread.step() as step:
            assert list(step.tools) == ["mcp__fake__other"]
    assert [message["params"]["name"] for message in server.got("tools/call")] == ["other"]


async def test_approval_is_decided_by_the_live_annotations_never_by_remembered_ones() -> None:
    """Scenario L4. A tool whose list said that it only reads, and that says so no longer, is another tool."""
    asked: list[ApprovalRequest] = []
    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
    shelf = await filled(server)
    server.tools = [tool("echo", annotations={"destructiveHint": True})]
    async with World(server, store=shelf, configs=[config(default_tools_approval_mode="writes")]) as world:
        thread = world.thread(on_approve=lambda request: not asked.append(request))
        async with thread.step() as step:
            with pytest.raises(ToolChanged):
                await step.call(ECHO)
        assert asked == []
        await call(thread)
        assert [request.annotations.destructive_hint for request in asked] == [True]


async def test_an_old_list_is_shown_at_once_and_read_again_meanwhile() -> None:
    """Scenario L3."""
    server = FakeServer("fake")
    shelf = await filled(server)
    shelf.stale = True
    server.tools = [tool("echo"), tool("new")]
    async with World(server, store=shelf) as world:
        thread, began = world.thread(), world.loop.time()
        async with thread.step() as step:
            assert world.loop.time() == began
            assert len(step.tools) == 1
        await world.passes(1.0)
        async with thread.step() as step:
            assert len(step.tools) == 2


async def test_after_a_reload_a_step_waits_for_the_new_list_and_falls_back_on_the_old_one() -> None:
    """P4"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.tools = [tool("echo"), tool("new")]
        world.threads.reload()
        async with thread.step() as step:
            assert len(step.tools) == 2
        server.tools, server.slow_start = [tool("echo")], 30.0
        world.threads.reload()
        async with thread.step() as step:
            assert len(step.tools) == 2


async def test_what_one_thread_has_seen_is_known_to_all_of_the_same_identity() -> None:
    """Scenario L3."""
    server = FakeServer("fake", slow_start=0.5)
    async with World(server, configs=[config(scope="thread")]) as world:
        await call(world.thread())
        began = world.loop.time()
        later = world.thread()
        await later.refresh()
        assert shown(later) == [ECHO]
        async with later.step() as step:
            assert world.loop.time() == began
            assert len(server.processes) == 1, "its own process starts with its first call"
            await step.call(ECHO)
        assert len(server.processes) == 2


async def test_a_thread_sees_what_its_own_process_lists_not_what_anothers_does() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world:
        first, second = world.thread(), world.thread()
        await call(first)
        server.tools = [tool("echo"), tool("unlocked")]
        server.process.says({"method": "notifications/tools/list_changed"})
        await world.passes(2.0)
        server.tools = [tool("echo")]
        await second.refresh()
        assert (len(shown(first)), len(shown(second))) == (2, 1)
