"""Who shares a process with whom, and when it stops."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.backend.lifecycle import State
from mcpool.errors import Closed, ServerUnavailable
from support.fake_server import FakeServer, nothing
from support.world import World, call, config, shown


async def test_threads_with_the_same_configuration_share_one_process() -> None:
    """P1"""
    server = FakeServer("fake")
    async with World(server) as world:
        threads = [world.thread() for _ in range(20)]
        await asyncio.gather(*(thread.ready() for thread in threads))
        assert len(list(world.pool)) == 1
    assert len(server.got("initialize")) == 1


async def test_another_folder_is_another_process() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        pids = {(await call(world.thread(cwd=cwd)))["pid"] for cwd in ("/a", "/b", "/a")}
    assert len(pids) == 2


async def test_a_fixed_folder_makes_it_one_process() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(cwd="/srv")]) as world:
        pids = {(await call(world.thread(cwd=cwd)))["pid"] for cwd in ("/a", "/b")}
    assert len(pids) == 1


async def test_another_value_in_the_environment_is_another_process() -> None:
    server = FakeServer("fake")
    configs = [config("a", command="fake", env=(("KEY", "1"),)), config("b", command="fake", env=(("KEY", "2"),))]
    async with World(server, configs=configs) as world:
        await world.thread().ready()
    assert len(server.processes) == 2


async def test_scope_thread_gives_each_thread_its_own_process() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world:
        await asyncio.gather(*(world.thread().ready() for _ in range(20)))
    assert len(server.processes) == 20


async def test_scope_session_tree_is_shared_with_sub_agents_only() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="session-tree")]) as world:
        parent, stranger = world.thread(), world.thread()
        child = world.thread(parent=parent)
        grandchild = world.thread(parent=child)
        pids = [(await call(thread))["pid"] for thread in (parent, child, grandchild, stranger)]
    assert len(set(pids[:3])) == 1
    assert pids[3] not in pids[:3]


@pytest.mark.parametrize("scope", ["thread", "session-tree", "shared"])
async def test_a_thread_beside_another_has_every_process_in_common_with_it(scope: str) -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope=scope)]) as world:
        first = world.thread()
        beside = world.thread(beside=first)
        further = world.thread(beside=beside)
        pids = {(await call(thread))["pid"] for thread in (first, beside, further)}
        await first.close()
        pids.add((await call(beside))["pid"])
    assert len(pids) == 1


async def test_a_second_thread_of_the_same_name_is_refused() -> None:
    """Its messages would reach the first one."""
    async with World(FakeServer("fake")) as world:
        thread = world.thread(id="mine")
        with pytest.raises(ValueError, match="mine"):
            world.thread(id="mine")
        await thread.close()
        assert world.thread(id="mine").id == "mine"


async def test_it_stops_when_its_last_lease_was_released_long_enough_ago() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0)]) as world:
        first, second = world.thread(), world.thread()
        await call(first)
        await first.close()
        await world.passes(1000.0)
        assert server.running, "the second thread still holds it"
        await second.close()
        await world.passes(59.0)
        assert server.running
        await world.passes(2.0)
        assert not server.running
        assert list(world.pool) == []


async def test_a_thread_that_comes_back_in_time_finds_the_same_process() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0)]) as world:
        async with world.thread() as thread:
            await call(thread)
        await world.passes(59.0)
        again = world.thread()
        await world.passes(1000.0)
        assert (await call(again))["pid"] == 1000


async def test_a_thread_that_comes_back_too_late_gets_a_live_one_and_saw_the_tools_at_once() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0)]) as world:
        async with world.thread() as thread:
            await call(thread)
        await world.passes(100.0)
        again = world.thread()
        await again.refresh()
        assert shown(again) == ["mcp__fake__echo"]
        assert (await call(again))["pid"] == 1001


async def test_a_held_server_stops_when_unused_if_it_is_configured_so() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0, stop_when_unused=True)]) as world:
        thread = world.thread()
        await call(thread)
        await world.passes(59.0)
        assert server.running
        await world.passes(62.0)
        assert not server.running
        assert world.backend().state is State.IDLE
        assert (await call(thread))["pid"] == 1001


async def test_a_call_counts_as_use() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0, stop_when_unused=True)]) as world:
        thread = world.thread()
        for _ in range(10):
            await call(thread)
            await world.passes(50.0)
        assert len(server.processes) == 1


@pytest.mark.parametrize("idle_timeout", [0.0, 60.0])
async def test_it_never_stops_with_a_call_in_flight(idle_timeout: float) -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    settings = config(idle_timeout=idle_timeout, stop_when_unused=True, tool_timeout=10_000.0)
    async with World(server, configs=[settings]) as world:
        calling = asyncio.create_task(call(world.thread()))
        await server.receives("tools/call")
        await world.passes(1000.0)
        server.process.answers(server.got("tools/call")[0], {"content": [{"type": "text", "text": "1"}]})
        assert await calling == 1


async def test_without_any_patience_it_stops_with_its_last_lease() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=0.0)]) as world:
        async with world.thread() as thread:
            await call(thread)
        await world.passes(0.1)
        assert not server.running


async def test_a_call_in_the_moment_of_the_idle_stop_runs_once() -> None:
    """It goes to the old process before, or to a new one after: it is never caught in between."""
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=60.0, stop_when_unused=True)]) as world:
        thread = world.thread()
        await call(thread)
        used = world.backend().last_used
        calls: list[asyncio.Task[object]] = []

        def strike() -> None:
            calls.append(asyncio.ensure_future(call(thread)))

        for moment in (59.999, 60.0, 60.0, 60.001):
            world.loop.call_at(used + moment, strike)
        await world.passes(61.0)
        await asyncio.gather(*calls)
    assert len(server.got("tools/call")) == 5


async def test_a_step_that_was_forgotten_in_a_call_keeps_the_runtime_until_the_call_ends() -> None:
    """S4: a replaced runtime lives while a request in flight holds it."""
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(idle_timeout=0.0)]) as world:
        thread = world.thread()
        await thread.ready()
        step = thread.capture()
        calling = asyncio.create_task(step.call("mcp__fake__echo"))
        await server.receives("tools/call")
        step.release()
        await thread.close()
        await world.passes(10.0)
        server.process.answers(server.got("tools/call")[0], {"content": []})
        assert (await calling).content == []


async def test_closing_ends_what_starts_what_works_and_what_idles() -> None:
    idle, busy, slow = FakeServer("idle"), FakeServer("busy", acts={"tools/call": nothing}), FakeServer("slow")
    slow.slow_start = 10.0
    async with World(idle, busy, slow, grace=0.1) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert step.tools.pending == ("slow",)
        calling = asyncio.create_task(call(thread, server="busy"))
        await busy.receives("tools/call")
        await world.pool.close()
        assert not [*idle.running, *busy.running, *slow.running]
        with pytest.raises(Exception, match="`busy`: it exited"):
            await calling
        with pytest.raises(Closed):
            await world.thread().refresh()


@pytest.mark.parametrize("silent", ["initialize", "tools/list"])
async def test_closing_waits_for_no_answer_of_a_server_that_starts(silent: str) -> None:
    """Scenario R14. Whoever waits for the server is told."""
    server = FakeServer("fake", acts={silent: nothing})
    async with World(server) as world:
        waiting = asyncio.create_task(world.thread().ready())
        await server.receives(silent)
        began = world.loop.time()
        await world.pool.close()
        assert isinstance((await waiting)["fake"], ServerUnavailable)
        assert world.loop.time() == began
        assert not server.running


async def test_a_wait_that_is_cancelled_costs_neither_what_is_ready_nor_what_starts() -> None:
    """Scenario R14. P5"""
    ready, slow = FakeServer("ready"), FakeServer("slow", slow_start=10.0)
    async with World(ready, slow, grace=0.1) as world:
        thread = world.thread()
        waiting = asyncio.create_task(thread.ready())
        await world.passes(5.0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await call(thread, server="ready"))["pid"] == 1000
        await world.passes(6.0)
        assert (await call(thread, server="slow"))["pid"] == 1000
    assert (len(ready.processes), len(slow.processes)) == (1, 1)


async def test_what_is_released_after_the_end_harms_nobody() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.refresh()
        step = thread.capture()
        world.threads.reload()
    step.release()


async def test_a_request_after_the_end_is_refused() -> None:
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        await world.pool.close()
        with pytest.raises(ServerUnavailable):
            await step.call("mcp__fake__echo")


async def test_a_reload_during_a_reconnect_is_no_error() -> None:
    server = FakeServer("fake", closing_takes=1.0)
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        reconnecting = asyncio.create_task(world.pool.reconnect("fake"))
        await world.passes(0.5)
        world.threads.reload()
        await reconnecting
        assert (await call(thread))["pid"] == 1001
