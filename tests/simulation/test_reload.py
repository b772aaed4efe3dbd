"""Fresh processes are wanted: when the new one starts, when the old one ends, and who is told what (P4, H9)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from mcpool.pool.succession import DRAIN_MOST
from mcpool.wire.link import Sink
from support.fake_server import FakeProcess, FakeServer, nothing, tool
from support.world import World, call, config, shown

ECHO = "mcp__fake__echo"


@dataclass
class PortServer(FakeServer):
    """One that binds a port: a second process of it exits while the first has it."""

    refused: int = 0

    async def open(self, sink: Sink) -> FakeProcess:
        taken = bool(self.running)
        process = await super().open(sink)
        if taken:
            self.refused += 1
            process.words = "EADDRINUSE"
            asyncio.get_running_loop().call_soon(process.exit, 1)
        return process


def pids(server: FakeServer) -> list[int | None]:
    """The processes that run."""
    return [process.pid for process in server.running]


def answer(server: FakeServer, number: int = -1) -> None:
    """Let a call that was held end."""
    request = server.got("tools/call")[number]
    process = next(process for process in server.processes if request in process.received)
    process.answers(request, {"content": [{"type": "text", "text": str(process.pid)}]})


async def held_call(world: World, server: FakeServer, thread: Any) -> asyncio.Task[Any]:
    """A call of the thread that the server does not answer until `answer`."""
    count = len(server.got("tools/call"))
    task = asyncio.create_task(call(thread))
    await server.receives("tools/call", count + 1)
    return task


# ---------------------------------------------------------------------- side by side, as a rule


async def test_the_successor_of_a_running_server_is_started_without_a_call() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        world.threads.reload()
        await world.passes(0.1)
        assert pids(server) == [1001]
        assert world.backend().state is State.READY
        assert server.got("tools/call") == []


async def test_a_server_that_nobody_has_used_is_not_started_by_a_reload() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        await world.thread().refresh()
        world.threads.reload()
        await world.passes(10.0)
    assert server.processes == []


async def test_a_process_that_nobody_holds_ends_and_has_no_successor_until_it_is_wanted() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        async with world.thread() as thread:
            await thread.ready()
        assert pids(server) == [1000]
        world.threads.reload()
        await world.passes(10.0)
        assert pids(server) == []
        assert (await call(world.thread()))["pid"] == 1001


async def test_a_server_that_could_not_be_started_is_tried_again_at_once() -> None:
    server = FakeServer("fake", fails_to_start="no such program")
    async with World(server, configs=[config(restart_max=0)]) as world:
        thread = world.thread()
        await thread.ready()
        server.fails_to_start = None
        world.threads.reload()
        assert await thread.ready() == {"fake": None}


async def test_a_step_shows_the_tools_of_the_old_process_while_the_new_one_starts() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.slow_start = 20.0
        world.threads.reload()
        await thread.refresh()
        assert shown(thread) == [ECHO]
        async with thread.step() as step:  # it waits a moment for the new list, which may be another one
            assert [definition.name for definition in await step.tool_definitions("fake")] == ["echo"]


async def test_a_reload_while_the_server_starts_is_no_failure_for_who_waits() -> None:
    """Not even for a thread that cannot do without it."""
    server = FakeServer("fake", slow_start=5.0)
    async with World(server, configs=[config(required=True)]) as world:
        thread = world.thread()
        ready, required = asyncio.create_task(thread.ready()), asyncio.create_task(thread.require())
        await world.passes(1.0)
        world.threads.reload()
        assert await ready == {"fake": None}
        await required
        assert pids(server) == [1001]


async def test_a_call_that_waits_for_the_start_of_what_is_reloaded_runs_once() -> None:
    server = FakeServer("fake", tools=[tool("echo")], slow_start=5.0)
    async with World(server) as world:
        thread = world.thread()
        await thread.refresh()
        step = thread.capture()
        calling = asyncio.create_task(step.relay("fake", "tools/call", {"name": b'"echo"'}))
        await world.passes(1.0)
        world.threads.reload()
        assert rb"\"pid\": 1000" in await calling
        step.release()
        assert (await call(thread))["pid"] == 1001
    assert len(server.got("tools/call")) == 2


@pytest.mark.parametrize("pause", [0.0, 0.0005, 0.5])
async def test_a_storm_of_reloads_leaves_one_process_and_never_had_many(pause: float) -> None:
    server = FakeServer("fake", closing_takes=3.0)
    async with World(server) as world:
        threads = [world.thread() for _ in range(5)]
        await asyncio.gather(*(thread.ready() for thread in threads))
        most = 0
        for _ in range(100):
            world.threads.reload()
            await world.passes(pause)
            most = max(most, len(server.running))
        await asyncio.gather(*(thread.ready() for thread in threads))
        await world.passes(10.0)
        assert len(server.running) == 1
        assert {(await call(thread))["pid"] for thread in threads} == set(pids(server))
    assert most <= 3
    if not pause:
        assert len(server.processes) < 5


# ---------------------------------------------------------------------- where both cannot run at the same time


async def test_a_successor_that_cannot_start_beside_the_old_one_starts_when_that_is_done() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(restart_max=0)]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        world.threads.reload()
        new = asyncio.create_task(call(thread))
        await world.passes(20.0)
        assert (server.refused, pids(server), new.done()) == (1, [1000], False)

        answer(server)
        assert await old == 1000
        await server.receives("tools/call", 2)
        answer(server)
        assert await new == 1002
        assert (server.refused, pids(server)) == (1, [1002])
        # That it was refused once is nobody's failure: nothing of the budget of restarts is spent.
        assert world.backend().trouble is None


async def test_a_successor_that_failed_because_of_one_that_is_gone_by_now_is_tried_once_more() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(restart_max=0)]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        failed = server.open

        async def open(sink: Sink) -> FakeProcess:
            process = await failed(sink)
            server.processes[0].exit(0)  # before the start of this one has failed
            return process

        server.open = open  # type: ignore[method-assign]
        world.threads.reload()
        assert await thread.ready() == {"fake": None}
        assert server.refused == 1
        with pytest.raises(CallOutcomeUnknown):
            await old


async def test_a_step_does_not_keep_the_port_but_by_its_calls() -> None:
    server = PortServer("fake")
    async with World(server) as world:
        first, second = world.thread(), world.thread()
        await first.ready()
        async with first.step() as step:
            await step.call(ECHO)
            world.threads.reload()
            assert (await call(second))["pid"] == 1002
            with pytest.raises(ServerUnavailable, match=r"gives way to a fresh process .* next step uses that one"):
                await step.call(ECHO)
        assert (await call(first))["pid"] == 1002


async def test_one_that_is_really_broken_says_so_when_the_old_one_is_gone() -> None:
    server = PortServer("fake")
    async with World(server, configs=[config(restart_max=0)]) as world:
        thread = world.thread()
        await thread.ready()
        server.fails_to_start = "no such program"
        world.threads.reload()
        with pytest.raises(ServerUnavailable, match="no such program"):
            await call(thread)
        assert pids(server) == []


async def test_another_definition_of_a_name_waits_for_the_one_it_replaces() -> None:
    server = PortServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        world.configure("fake", transport=config(args=("--verbose",)).transport)
        await thread.ready()
        assert (await call(thread))["pid"] == server.process.pid
        assert pids(server) == [server.process.pid]


async def test_what_is_stopped_because_nobody_used_it_is_waited_for_too() -> None:
    server = PortServer("fake", closing_takes=5.0)
    async with World(server, configs=[config(idle_timeout=0.0)]) as world:
        async with world.thread() as thread:
            await thread.ready()
        await world.settles()
        assert pids(server) == [1000], "it takes its time"
        assert (await call(world.thread()))["pid"] == 1002


async def test_a_thread_with_a_process_of_its_own_waits_for_no_other_s() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(scope="thread", overlap=False)]) as world:
        first, second = world.thread(), world.thread()
        old = await held_call(world, server, first)
        await second.ready()
        world.threads.reload()
        assert await second.ready() == {"fake": None}
        assert pids(server) == [1000, 1002]
        answer(server)
        await old
        await first.ready()
        assert pids(server) == [1002, 1003]


# ---------------------------------------------------------------------- overlap = false


async def test_without_overlap_the_old_process_ends_before_the_new_one_starts() -> None:
    server = PortServer("fake", acts={"tools/call": nothing}, closing_takes=2.0)
    async with World(server, configs=[config(overlap=False)]) as world:
        first, second = world.thread(), world.thread()
        old = await held_call(world, server, first)
        world.threads.reload()
        new = asyncio.create_task(call(second))
        await world.passes(10.0)
        assert pids(server) == [1000]

        answer(server)
        assert await old == 1000
        await server.receives("tools/call", 2)
        answer(server)
        assert await new == 1001
    assert server.refused == 0


async def test_without_overlap_a_call_that_takes_too_long_is_ended_and_may_have_run() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(overlap=False, tool_timeout=3600.0)]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        begun = world.loop.time()
        world.threads.reload()
        await thread.ready()
        assert world.loop.time() - begun == pytest.approx(DRAIN_MOST, abs=1.0)
        with pytest.raises(CallOutcomeUnknown):
            await old
        assert pids(server) == [1001]
    assert server.refused == 0


async def test_without_overlap_an_old_process_that_dies_meanwhile_is_not_brought_back() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(overlap=False, retry="always")]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        world.threads.reload()
        await world.passes(1.0)
        server.process.exit(1)
        with pytest.raises((ServerUnavailable, CallOutcomeUnknown)):
            await old
        await thread.ready()
        assert pids(server) == [1001]
    assert server.refused == 0


async def test_without_overlap_an_old_process_that_dies_just_then_is_not_brought_back() -> None:
    """Its end is heard after another was wanted, and before that looks what is in its way."""
    server = PortServer("fake")
    async with World(server, configs=[config(overlap=False)]) as world:
        first, second = world.thread(), world.thread()
        await second.ready()
        async with first.step():
            world.threads.reload()
            await world.passes(0.0)
            server.process.exit(1)
            await second.ready()
            assert pids(server) == [1001]
    assert server.refused == 0


async def test_without_overlap_an_old_step_gets_no_process_beside_the_new_one() -> None:
    """It had none, as it could not be started, when another took its place."""
    server = PortServer("fake")
    async with World(server, configs=[config(overlap=False)]) as world:
        first, second = world.thread(), world.thread()
        await first.ready()
        async with first.step() as step:
            server.fails_to_start = "its program is gone"
            server.process.exit(1)
            await world.passes(1000.0)
            server.fails_to_start = None
            world.configure("fake", transport=config(args=("--verbose",)).transport)
            await second.ready()
            with pytest.raises(ServerUnavailable, match="gives way"):
                await step.call(ECHO)
        assert pids(server) == [1001]
    assert server.refused == 0


async def test_without_overlap_another_definition_too_comes_after_the_old_one() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(overlap=False)]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        world.configure("fake", transport=config(args=("--verbose",)).transport)
        ready = asyncio.create_task(thread.ready())
        await world.passes(10.0)
        assert pids(server) == [1000]
        answer(server)
        await old
        assert await ready == {"fake": None}
        assert pids(server) == [1001]
    assert server.refused == 0


async def test_the_end_comes_at_once_also_while_one_waits_for_another() -> None:
    server = PortServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(overlap=False)]) as world:
        thread = world.thread()
        old = await held_call(world, server, thread)
        world.threads.reload()
        new = asyncio.create_task(call(thread))
        await world.passes(1.0)
        begun = world.loop.time()
        await world.pool.close()
        assert world.loop.time() - begun < 1.0
        for waiting in (old, new):
            with pytest.raises((ServerUnavailable, CallOutcomeUnknown)):
                await waiting
