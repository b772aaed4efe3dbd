"""Connections that are of no use for anything new, while answers are still to come on them, as over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.backend.connection import RETIRE_MOST
from mcpool.backend.lifecycle import State
from mcpool.errors import AuthRequired, CallOutcomeUnknown, ServerUnavailable
from support.fake_server import FakeProcess, FakeServer, Message, nothing, tool
from support.world import World, call, config

WANTED = "wants you to sign in: run `mcpool auth fake`"
TOOLS = [tool("echo"), tool("slow"), tool("barred")]


def answers_late(process: FakeProcess, message: Message) -> None:
    """An act: work for five seconds."""
    content = {"content": [{"type": "text", "text": str(process.pid)}]}
    asyncio.get_running_loop().call_later(5.0, process.answers, message, content)


def bars(process: FakeProcess, message: Message) -> None:
    """An act: want other credentials."""
    process.refuses_in_our_words(message, AuthRequired("fake", WANTED))


def fake(**acts: object) -> FakeServer:
    given = {f"tools/call {name}": act for name, act in acts.items()}
    return FakeServer("fake", tools=TOOLS, acts={"tools/call slow": answers_late, **given})  # pyright: ignore[reportArgumentType]


async def test_a_caller_that_is_not_let_in_costs_the_others_nothing() -> None:
    """Invariant 9: their answers come, and then the connection ends."""
    server = fake(barred=bars)
    async with World(server) as world:
        thread, other = world.thread(), world.thread()
        slow = asyncio.create_task(call(other, "slow"))
        await server.receives("tools/call")
        with pytest.raises(AuthRequired, match="mcpool auth fake"):
            await call(thread, "barred")
        assert world.backend().state is State.AUTH_REQUIRED
        assert await slow == 1000
        await world.settles()
        assert not server.running


async def test_nothing_new_is_sent_over_a_connection_that_did_not_let_somebody_in() -> None:
    server = fake(barred=bars)
    async with World(server) as world:
        thread = world.thread()
        slow = asyncio.create_task(call(thread, "slow"))
        await server.receives("tools/call")
        with pytest.raises(AuthRequired):
            await call(thread, "barred")
        assert (await call(thread))["pid"] == 1001, "somebody has signed in meanwhile, and nobody waits for the old one"
        assert await slow == 1000


async def test_an_answer_that_never_comes_does_not_keep_such_a_connection_for_ever() -> None:
    """Invariant 9: and its caller is told that the call may have run."""
    server = fake(barred=bars, slow=nothing)
    async with World(server, configs=[config(tool_timeout=2 * RETIRE_MOST)]) as world:
        thread = world.thread()
        slow = asyncio.create_task(call(thread, "slow"))
        await server.receives("tools/call")
        begun = world.loop.time()
        with pytest.raises(AuthRequired):
            await call(thread, "barred")
        with pytest.raises(CallOutcomeUnknown):
            await slow
        assert RETIRE_MOST <= world.loop.time() - begun < RETIRE_MOST + 1.0
        assert not server.running


@pytest.mark.parametrize("wait", [0.0, 1.0])
async def test_a_connection_that_takes_no_more_is_replaced_while_it_still_answers(wait: float) -> None:
    """H1: the next call goes elsewhere, and what is under way ends as if nothing had happened."""
    server = fake()
    async with World(server) as world:
        thread = world.thread()
        slow = asyncio.create_task(call(thread, "slow"))
        await server.receives("tools/call")
        server.process.takes_no_more()
        await world.passes(wait)
        assert (await call(thread))["pid"] == 1001
        assert await slow == 1000
        await world.settles()
        assert [process.pid for process in server.running] == [1001]


async def test_a_connection_that_takes_no_more_ends_at_once_if_nobody_waits_for_answers() -> None:
    server = fake()
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.takes_no_more()
        await world.passes(1.0)
        assert [process.pid for process in server.running] == [1001]
        assert "could not be reached" in str(world.backend().trouble)


async def test_a_connection_that_takes_no_more_before_it_is_ready_is_no_start() -> None:
    lists: list[FakeProcess] = []

    def takes_no_more(process: FakeProcess, message: Message) -> None:
        lists.append(process)
        process.acts_by_itself(message)
        if len(lists) == 1:
            process.takes_no_more()

    server = fake()
    server.acts["tools/list"] = takes_no_more
    async with World(server) as world:
        thread = world.thread()
        backend = await world.backend_of_new_thread()
        with pytest.raises(ServerUnavailable, match="could not be reached"):
            await backend.connected()
        assert (await backend.connected()).generation == 2
        assert (await call(thread))["pid"] == 1001
        assert [process.pid for process in server.running] == [1001]


async def test_whoever_stops_the_server_stops_the_connection_that_it_left_as_well() -> None:
    server = fake(slow=nothing)
    async with World(server) as world, world.thread() as thread:
        slow = asyncio.create_task(call(thread, "slow"))
        await server.receives("tools/call")
        server.process.takes_no_more()
        await world.passes(1.0)
        assert len(server.running) == 2
        await world.pool.reconnect("fake")
        with pytest.raises(CallOutcomeUnknown):
            await slow


async def test_a_failing_health_check_does_not_wait_for_answers() -> None:
    """H6: what shows no sign of life will give none."""
    server = fake(slow=nothing)
    async with World(server, configs=[config(heartbeat=5.0, tool_timeout=600.0)]) as world:
        thread = world.thread()
        await call(thread)
        server.acts["ping"] = nothing
        await world.passes(5.5)
        slow = asyncio.create_task(call(thread, "slow"))
        await world.passes(15.0)
        with pytest.raises(CallOutcomeUnknown, match="SIGKILL"):
            await slow
