"""The health of servers while they live, die and come back."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from mcpool.host.health import Health, health
from support.fake_server import FakeProcess, FakeServer, Message, exits, nothing
from support.world import World, call, config


def of(world: World, name: str = "fake") -> Health:
    (found,) = [each for each in health(world.threads.servers, world.pool) if each.server == name]
    return found


async def test_a_server_that_nobody_wanted_is_idle() -> None:
    async with World(FakeServer("fake")) as world:
        assert of(world) == Health(server="fake", state="idle", scope="shared")


async def test_a_server_that_serves_tells_what_it_is_and_how_long_it_has_been_there() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        await call(thread)
        await world.passes(90)
        found = of(world)
        assert (found.state, found.generation, found.restarts, found.pid) == ("ready", 1, 0, 1000)
        assert found.uptime == pytest.approx(90, abs=1)
        assert (found.server_name, found.server_version) == ("fake", "1")
        assert (found.era, found.revision) == ("handshake", "2025-11-25")
        assert found.tools == 1
        assert found.last_error is found.last_failure is found.next_retry is None


async def test_a_start_is_timed_part_by_part() -> None:
    def answers_late(process: FakeProcess, message: Message) -> None:
        asyncio.get_running_loop().call_later(1.5, lambda: process.answers(message, {"tools": []}))

    server = FakeServer("fake")
    server.acts["tools/list"] = answers_late
    async with World(server) as world:
        async with world.thread().step() as step:
            await step.tool_definitions("fake")
        phases = of(world).phases
        assert phases is not None
        assert phases.tools == pytest.approx(1.5, abs=0.1)
        assert 0 <= phases.start <= phases.handshake < 1.5
        assert of(world).capabilities == ("logging", "tools")


async def test_calls_in_flight_and_leases_are_counted() -> None:
    server = FakeServer("fake")
    server.acts["tools/call"] = nothing
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread()))
        world.thread()
        await server.receives("tools/call")
        assert (of(world).in_flight, of(world).leases) == (1, 2)
        calling.cancel()
        await asyncio.wait([calling])
        assert of(world).in_flight == 0


async def test_latency_is_what_callers_waited() -> None:
    def answers_late(process: FakeProcess, message: Message) -> None:
        asyncio.get_running_loop().call_later(2.0, lambda: process.answers(message, {"content": []}))

    server = FakeServer("fake")
    server.acts["tools/call"] = answers_late
    async with World(server) as world, world.thread().step() as step:
        assert of(world).latency is None
        await step.call("mcp__fake__echo", {})
        latency = of(world).latency
    assert latency is not None
    assert latency.requests == 1
    assert latency.p50 == pytest.approx(2.0, abs=0.1)


async def test_what_a_server_got_over_is_remembered_and_is_no_error_any_more() -> None:
    server = FakeServer("fake")
    server.acts["tools/call"] = exits
    async with World(server) as world:
        thread = world.thread()
        with pytest.raises(CallOutcomeUnknown):
            await call(thread)
        broken = of(world)
        assert broken.last_error is not None
        assert broken.uptime is None
        del server.acts["tools/call"]
        await call(thread)
        await world.passes(5)
        healed = of(world)
        assert (healed.state, healed.restarts, healed.last_error) == ("ready", 1, None)
        assert healed.last_failure == broken.last_error
        assert healed.last_failure_ago == pytest.approx(5, abs=2)


async def test_a_server_that_cannot_start_says_why_and_when_it_is_tried_next() -> None:
    server = FakeServer("fake", fails_to_start="no such command")
    async with World(server, configs=[config(restart_max=0, restart_window=60.0)]) as world:
        backend = await world.backend_of_new_thread()
        with pytest.raises(ServerUnavailable):
            await backend.connected()
        found = of(world)
        assert found.state == "failed"
        assert "no such command" in str(found.last_error)
        assert found.next_retry is not None
        assert 0 < found.next_retry <= 60
