"""Servers that come back: by themselves, for all who share them at once, and no more often than the budget allows."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.errors import CallOutcomeUnknown, CallTimeout, ServerUnavailable
from support.fake_server import FakeProcess, FakeServer, Message, exits, nothing, tool
from support.world import World, call, config


class Watched(FakeServer):
    """Remembers when it was started, and which of its processes were still there."""

    starts: list[float]
    still_there: list[FakeProcess]

    async def open(self, sink: Any) -> FakeProcess:
        if not hasattr(self, "starts"):
            self.starts, self.still_there = [], []
        self.starts.append(asyncio.get_running_loop().time())
        self.still_there.extend(self.running)
        return await super().open(sink)


def dies_when_ready(process: FakeProcess, message: Message) -> None:
    """An act for `tools/list`: a server that starts well, and ends soon after."""
    process.answers(message, {"tools": [tool("echo")]})
    asyncio.get_running_loop().call_later(0.1, process.exit, 1)


async def test_a_server_that_dies_is_back_before_anybody_calls_it() -> None:
    """H2, H3, H8: pushed, not found out by the next call."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        backend = world.backend()
        server.process.exit(-9)
        states = [backend.state]
        await world.settles()
        states.append(backend.state)
        await world.passes(1.0)
        states.append(backend.state)
    assert states == [State.DISCONNECTED, State.RECONNECTING, State.READY]
    assert len(server.processes) == 2


async def test_its_first_restart_takes_no_longer_than_its_start() -> None:
    server = FakeServer("fake", slow_start=2.0)
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        died = world.loop.time()
        server.process.exit(-9)
        await call(thread)
        assert world.loop.time() - died <= 2.0 + 0.05


async def test_a_server_that_nobody_holds_stays_down() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        async with world.thread() as thread:
            await call(thread)
        server.process.exit(-9)
        await world.passes(10.0)
        assert world.backend().state is State.DISCONNECTED
    assert len(server.processes) == 1


async def test_a_server_that_was_stopped_because_it_was_idle_stays_down() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(stop_when_unused=True, idle_timeout=5.0)]) as world:
        await call(world.thread())
        await world.passes(60.0)
        assert world.backend().state is State.IDLE
    assert len(server.processes) == 1


async def test_a_restart_by_itself_is_no_use_of_the_server() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(stop_when_unused=True, idle_timeout=10.0)]) as world:
        await call(world.thread())
        await world.passes(8.0)
        server.process.exit(1)
        await world.passes(4.0)
        assert world.backend().state is State.IDLE


async def test_many_callers_at_once_have_one_restart_and_each_its_answer() -> None:
    """H4"""
    server = FakeServer("fake", slow_start=1.0)
    async with World(server) as world:
        threads = [world.thread() for _ in range(64)]
        await threads[0].ready()
        server.process.exit(-9)
        answers = await asyncio.gather(*(call(thread, n=n) for n, thread in enumerate(threads)))
    assert [answer["arguments"]["n"] for answer in answers] == list(range(64))
    assert len(server.processes) == 2


async def test_callers_wait_through_attempts_that_fail() -> None:
    """H4: refused for a while, and then back."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        server.fails_to_start = "connection refused"
        calling = [asyncio.create_task(call(world.thread())) for _ in range(10)]
        await world.passes(0.5)
        assert world.backend().state is State.FAILED
        server.fails_to_start = None
        assert [answer["pid"] for answer in await asyncio.gather(*calling)] == [1001] * 10
    assert len(server.processes) == 2


async def test_a_caller_waits_for_it_no_longer_than_the_time_of_a_start() -> None:
    """Invariant 9."""
    server = FakeServer("fake")
    async with World(server, configs=[config(startup_timeout=10.0, restart_max=1000)]) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        server.fails_to_start = "connection refused"
        begun = world.loop.time()
        with pytest.raises(ServerUnavailable, match=r"not be started again within 10 s.*connection refused"):
            await call(thread)
        assert world.loop.time() - begun == pytest.approx(10.0)


async def test_a_caller_waits_for_it_no_longer_than_its_own_time() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(tool_timeout=3.0)]) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        server.slow_start = 20.0
        with pytest.raises(CallTimeout, match="did not start within"):
            await call(thread)


async def test_a_crash_loop_costs_its_budget_and_no_more() -> None:
    """Invariant 9: and says why, and when it is tried next."""
    server = Watched("fake", acts={"tools/list": dies_when_ready})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await world.passes(40.0)
        backend = world.backend()
        assert len(server.starts) == 1 + 5
        assert (backend.state, backend.resting) == (State.FAILED, True)
        with pytest.raises(ServerUnavailable) as caught:
            await call(thread)
        assert "it exited with status 1" in str(caught.value)
        assert "ended or did not start 6 times within 60 s" in str(caught.value)
        assert "mcpool reconnect fake" in str(caught.value)
        assert backend.retry_at is not None
        await world.passes(300.0)
        assert len(server.starts) == 6, "it costs nothing while nobody wants it"


async def test_the_first_call_after_the_rest_is_the_probe_and_the_others_wait_for_it() -> None:
    """H2: half-open."""
    server = Watched("fake", acts={"tools/list": dies_when_ready}, slow_start=0.5)
    async with World(server) as world:
        threads = [world.thread() for _ in range(5)]
        await threads[0].ready()
        await world.passes(100.0)
        before = len(server.starts)
        del server.acts["tools/list"]
        await asyncio.gather(*(call(thread) for thread in threads))
        assert len(server.starts) == before + 1
        assert not world.backend().resting


async def test_a_probe_that_dies_means_another_rest() -> None:
    server = Watched("fake", acts={"tools/list": dies_when_ready})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await world.passes(100.0)
        before = len(server.starts)
        await thread.ready()
        await world.passes(30.0)
        assert len(server.starts) == before + 1
        with pytest.raises(ServerUnavailable, match="not started again for another"):
            await call(thread)


async def test_other_servers_do_not_notice_a_crash_loop() -> None:
    bad, good = FakeServer("bad", acts={"tools/list": dies_when_ready}), FakeServer("good")
    async with World(bad, good) as world:
        thread = world.thread()
        await thread.ready()
        for _ in range(20):
            await call(thread, server="good")
            await world.passes(1.0)
    assert len(good.processes) == 1


@pytest.mark.parametrize("what", ["reconnect", "apply"])
async def test_a_person_can_close_the_circuit(what: str) -> None:
    """H9"""
    server = FakeServer("fake", acts={"tools/list": dies_when_ready})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await world.passes(30.0)
        del server.acts["tools/list"]
        if what == "reconnect":
            await world.pool.reconnect("fake")
        else:
            world.configure("fake", tool_timeout=17.0)
        assert (await call(thread))["tool"] == "echo"


async def test_a_healthy_minute_makes_the_budget_whole() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(restart_max=1)]) as world:
        thread = world.thread()
        for _ in range(5):
            await call(thread)
            await world.passes(61.0)
            server.process.exit(1)
        assert (await call(thread))["pid"] == 1005


async def test_a_changed_budget_counts_at_once_and_restarts_nothing() -> None:
    server = FakeServer("fake", acts={"tools/call": exits})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        world.configure("fake", restart_max=0)
        assert len(server.processes) == 1
        with pytest.raises(CallOutcomeUnknown) as caught:
            await call(thread)
        assert not caught.value.restarted
        assert world.backend().state is State.FAILED


async def test_a_call_that_loses_its_server_says_what_is_known() -> None:
    server = FakeServer("fake", acts={"tools/call": exits})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        with pytest.raises(CallOutcomeUnknown) as caught:
            await call(thread)
        assert world.loop.time() - begun <= 0.05
    error = caught.value
    assert (error.server, error.method, error.tool, error.restarted) == ("fake", "tools/call", "echo", True)
    assert "may or may not have run" in str(error)


async def test_a_read_that_lost_its_server_for_good_may_have_run() -> None:
    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})], acts={"tools/call": exits})
    async with World(server, configs=[config(restart_max=0)]) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(CallOutcomeUnknown):
            await call(thread)


async def test_the_end_of_output_is_reported_as_the_exit_that_follows_it() -> None:
    def ends(process: FakeProcess, message: Message) -> None:
        process.closes_output()
        world.loop.call_later(0.01, process.exit, 7)

    server = FakeServer("fake", acts={"tools/call": ends})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        with pytest.raises(CallOutcomeUnknown, match="exited with status 7"):
            await call(thread)
        assert world.loop.time() - begun <= 0.05


async def test_the_old_process_is_gone_before_the_new_one_starts() -> None:
    server = Watched("fake", closing_takes=3.0)
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.closes_output()
        await call(thread)
    assert len(server.processes) == 2
    assert server.still_there == []


async def test_what_a_former_process_says_settles_nothing_of_its_successors() -> None:
    """Fencing: their requests have the same ids."""
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        old = server.process
        doomed = asyncio.create_task(call(thread))
        await server.receives("tools/call")
        reconnecting = asyncio.create_task(world.pool.reconnect("fake"))
        await reconnecting
        waiting = asyncio.create_task(call(thread))
        await server.receives("tools/call", 2)
        first, second = server.got("tools/call")
        stale = {"jsonrpc": "2.0", "id": second["id"], "result": {"content": [{"type": "text", "text": '"stale"'}]}}
        old.says_late(stale)
        await world.passes(1.0)
        assert not waiting.done()
        server.process.answers(second, {"content": [{"type": "text", "text": '"fresh"'}]})
        assert await waiting == "fresh"
        with pytest.raises(CallOutcomeUnknown):
            await doomed
    assert first is not second


async def test_attempts_that_fail_come_slower_and_slower() -> None:
    server = Watched("fake")
    async with World(server, configs=[config(restart_max=8)]) as world:
        await call(world.thread())
        server.fails_to_start = "connection refused"
        server.process.exit(1)
        await world.passes(60.0)
    waits = [later - first for first, later in pairwise(server.starts[1:])]
    assert waits == pytest.approx([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0])


async def test_the_whole_of_a_call_has_one_deadline() -> None:
    """A second sending gets what the first has left of the time."""

    def dies_late(process: FakeProcess, message: Message) -> None:
        world.loop.call_later(6.0, process.exit, 1)

    server = FakeServer(
        "fake", tools=[tool("echo", annotations={"readOnlyHint": True})], acts={"tools/call": dies_late}
    )
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        with pytest.raises(CallTimeout, match="within 10 s"):
            await call(thread)
        assert world.loop.time() - begun == pytest.approx(10.0, abs=0.01)
    assert len(server.got("tools/call")) == 2
