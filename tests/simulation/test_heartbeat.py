"""H6: an idle connection that is dead is found out before a call does."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.backend.heartbeat import CHECK_TIMEOUT
from mcpool.backend.lifecycle import State
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
