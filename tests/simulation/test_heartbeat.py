"""H6: an idle connection that is dead is found out before a call does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from mcpool.backend.heartbeat import CHECK_TIMEOUT
from mcpool.backend.lifecycle import State
from mcpool.errors import CallOutcomeUnknown, CallTimeout
from support.fake_server import FakeProcess, FakeServer, Message, nothing
from support.world import World, call, config

CHECKS = {"handshake": "ping", "modern": "server/discover"}


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_an_idle_connection_is_asked_for_a_sign_of_life_by_what_its_revision_offers(era: str) -> None:
    """H6"""
    server = FakeServer("fake", eras=(era,))  # pyright: ignore[reportArgumentType]
    async with World(server, configs=[config(heartbeat=10.0)]) as world:
        await call(world.thread())
        before = len(server.got(CHECKS[era]))
        await world.passes(35.0)
        assert len(server.got(CHECKS[era])) == before + 3
        assert world.backend().state is State.READY
    assert len(server.processes) == 1


async def test_a_hung_server_is_replaced_before_anybody_calls_it() -> None:
    """H6: even one that does not end itself when it is told to."""
    server = FakeServer("fake", closing_takes=100.0)
    async with World(server, configs=[config(heartbeat=10.0)]) as world:
        thread = world.thread()
        await call(thread)
        server.acts["ping"] = nothing
        await world.passes(10.0 + CHECK_TIMEOUT + 1.0)
        assert len(server.processes) == 2
        begun = world.loop.time()
        assert (await call(thread))["pid"] == 1001
        assert world.loop.time() - begun < 0.1
        server.closing_takes = 0.0


async def test_a_check_is_no_use_of_the_server() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=5.0, stop_when_unused=True, idle_timeout=12.0)]) as world:
        await call(world.thread())
        await world.passes(14.0)
        assert world.backend().state is State.IDLE
    assert len(server.got("ping")) == 2


async def test_a_server_at_work_is_left_alone() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(heartbeat=5.0)]) as world:
        thread = world.thread()
        await thread.ready()
        calling = asyncio.create_task(call(thread))
        await world.passes(60.0)
        assert server.got("ping") == []
        calling.cancel()


async def test_calls_make_checks_superfluous() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=5.0)]) as world:
        thread = world.thread()
        for _ in range(10):
            await call(thread)
            await world.passes(4.0)
    assert server.got("ping") == []


async def test_a_server_that_nobody_holds_is_not_checked() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=5.0)]) as world:
        async with world.thread() as thread:
            await call(thread)
        await world.passes(60.0)
    assert server.got("ping") == []


async def test_a_server_that_says_anything_at_all_is_alive() -> None:
    def chatters(process: FakeProcess, message: Message) -> None:
        process.says({"method": "notifications/message", "params": {"level": "info", "data": "busy"}})

    server = FakeServer("fake", acts={"ping": chatters})
    async with World(server, configs=[config(heartbeat=5.0)]) as world:
        await call(world.thread())
        await world.passes(60.0)
    assert len(server.processes) == 1


async def test_a_heartbeat_that_is_turned_on_restarts_nothing_and_begins() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=0.0)]) as world:
        await call(world.thread())
        await world.passes(20.0)
        assert server.got("ping") == []
        world.configure("fake", heartbeat=5.0)
        await world.passes(6.0)
        assert len(server.got("ping")) == 1
    assert len(server.processes) == 1


class Wedged(FakeServer):
    """Its first process answers nothing once it is called."""

    def __init__(self, *, era: str = "handshake") -> None:
        super().__init__("fake", eras=(era,))  # pyright: ignore[reportArgumentType]
        for method in ("tools/call", "ping", "server/discover"):
            self.acts[method] = self._act

    def _act(self, process: FakeProcess, message: Message) -> None:
        called = any(m["method"] == "tools/call" for m in process.received)
        if process.pid != 1000 or not called:
            process.acts_by_itself(message)


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_a_wedged_server_that_is_called_all_the_time_is_replaced(era: str) -> None:
    """H6: it is never idle, so two requests that time out one after the other make the check due."""
    server = Wedged(era=era)
    async with World(server, configs=[config(heartbeat=30.0, tool_timeout=2.0)]) as world:
        thread = world.thread()
        begun = world.loop.time()
        while len(server.processes) < 2 and world.loop.time() < begun + 100.0:
            with suppress(CallTimeout, CallOutcomeUnknown):
                await call(thread)
        assert world.loop.time() - begun < 2 * 2.0 + CHECK_TIMEOUT + 1.0
        assert (await call(thread))["pid"] == 1001


async def test_a_server_that_lets_calls_time_out_and_lives_is_asked_and_kept() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(heartbeat=300.0, tool_timeout=2.0)]) as world:
        thread = world.thread()
        for _ in range(8):
            with pytest.raises(CallTimeout):
                await call(thread)
        await world.passes(0.1)
    assert len(server.processes) == 1
    assert len(server.got("ping")) == 4


async def test_time_outs_with_a_word_of_the_server_in_between_are_no_silence() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(heartbeat=300.0, tool_timeout=2.0)]) as world:
        thread = world.thread()
        for _ in range(4):
            with pytest.raises(CallTimeout):
                await call(thread)
            server.process.says({"method": "notifications/message", "params": {"level": "info", "data": "busy"}})
            await world.passes(0.1)
    assert server.got("ping") == []


async def test_calls_that_time_out_side_by_side_are_one_silence() -> None:
    """A server may be busy with one thing: only what was asked after it had been silent tells more."""
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(heartbeat=300.0, tool_timeout=2.0)]) as world:
        thread = world.thread()
        await thread.ready()
        outcomes = await asyncio.gather(*(call(thread) for _ in range(8)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {CallTimeout}
        assert server.got("ping") == []


async def test_without_a_heartbeat_nothing_is_asked_after_time_outs_either() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(heartbeat=0.0, tool_timeout=2.0)]) as world:
        thread = world.thread()
        for _ in range(4):
            with pytest.raises(CallTimeout):
                await call(thread)
    assert server.got("ping") == []


async def test_a_list_that_cannot_be_read_does_not_keep_a_hung_server_from_being_found() -> None:
    """What we ask again and again ourselves is no work that the server is left alone for."""
    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=10.0, startup_timeout=5.0)]) as world:
        thread = world.thread()
        await call(thread)
        server.process.says({"method": "notifications/tools/list_changed"})
        server.acts.update(dict.fromkeys(("tools/list", "ping"), nothing))
        await world.passes(5.0 + 10.0 + CHECK_TIMEOUT + 1.0)
        assert server.processes[0].ended
        server.acts.clear()


@pytest.mark.parametrize(("status", "processes"), [(502, 2), (503, 2), (504, 2), (500, 1), (404, 1)])
async def test_what_a_gateway_says_is_no_sign_of_life(status: int, processes: int) -> None:
    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses_by_http(message, status)

    server = FakeServer("fake")
    async with World(server, configs=[config(heartbeat=10.0)]) as world:
        await call(world.thread())
        server.acts["ping"] = refuses
        await world.passes(11.0)
        assert len(server.processes) == processes
