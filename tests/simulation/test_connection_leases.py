"""One process that keeps state for each thread: it is told whose each request is, and when a thread has left."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from mcpool.errors import CallTimeout, ServerUnavailable
from support.fake_server import FakeProcess, FakeServer, Message, nothing
from support.world import World, call, config

EXTENSION = "codex/connection-lease"
OPEN, RELEASE = "codex/connection/open", "codex/connection/release"
ECHO = "mcp__fake__echo"


def takes_note(process: FakeProcess, message: Message) -> None:
    process.answers(message, {})


def stateful(place: str = "experimental", **settings: Any) -> FakeServer:
    """A server that declares the extension."""
    server = FakeServer("fake", **settings)
    server.capabilities = {**server.capabilities, place: {EXTENSION: {}}}
    server.acts |= {OPEN: takes_note, RELEASE: takes_note}
    return server


def opened(server: FakeServer) -> list[str]:
    return [message["params"]["leaseId"] for message in server.got(OPEN)]


def released(server: FakeServer) -> list[str]:
    return [message["params"]["leaseId"] for message in server.got(RELEASE)]


def leases(server: FakeServer) -> list[str | None]:
    """What each call was sent with."""
    return [message["params"].get("_meta", {}).get("codex/connectionLease") for message in server.got("tools/call")]


@pytest.mark.parametrize("place", ["experimental", "extensions"])
@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_each_thread_has_a_lease_of_its_own_on_one_process(
    place: str, era: Literal["handshake", "modern"]
) -> None:
    server = stateful(place, eras=(era,))
    async with World(server) as world:
        first, second = world.thread(id="ada's"), world.thread(id="bob's")
        for thread in (first, second, first, second):
            await call(thread)
    assert opened(server) == ["lease-1", "lease-2"]
    assert leases(server) == ["lease-1", "lease-2", "lease-1", "lease-2"]
    assert len(server.processes) == 1


async def test_it_hears_of_a_lease_before_the_first_request_of_the_thread_and_of_none_that_asks_nothing() -> None:
    server = stateful()
    async with World(server) as world:
        asking, idle = world.thread(), world.thread()
        await asyncio.gather(asking.ready(), idle.ready())
        assert opened(server) == []
        await call(asking)
        methods = [message["method"] for message in server.process.received]
        assert methods[methods.index(OPEN) :] == [OPEN, "tools/call"]
    assert opened(server) == ["lease-1"]


async def test_calls_that_begin_at_once_wait_for_one_lease() -> None:
    server = stateful()
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        await asyncio.gather(*(call(thread) for _ in range(20)))
    assert opened(server) == ["lease-1"]
    assert leases(server) == ["lease-1"] * 20


async def test_it_hears_of_a_thread_that_has_left_and_of_no_other() -> None:
    server = stateful()
    async with World(server) as world:
        first, second = world.thread(), world.thread()
        await call(first)
        await call(second)
        await first.close()
        await world.passes(1.0)
        assert released(server) == ["lease-1"]
        await call(second)
    assert leases(server)[-1] == "lease-2"


async def test_a_thread_that_leaves_while_its_lease_is_opened_gives_it_back_then() -> None:
    server = stateful()
    server.acts[OPEN] = nothing
    async with World(server, configs=[config(idle_timeout=100.0)]) as world:
        thread = world.thread()
        await thread.ready()
        calling = asyncio.create_task(call(thread))
        await server.receives(OPEN)
        calling.cancel()
        await asyncio.wait([calling])
        await thread.close()
        await world.passes(1.0)
        assert released(server) == []
        server.process.answers(server.got(OPEN)[0], {})
        await world.passes(1.0)
        assert released(server) == ["lease-1"]
    assert server.got("tools/call") == []


async def test_an_apply_keeps_the_lease() -> None:
    server = stateful()
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        world.configure("fake", tool_timeout=5.0)
        await call(thread)
    assert leases(server) == ["lease-1", "lease-1"]


async def test_after_a_restart_a_thread_has_another_lease() -> None:
    """What it had is lost, and must not look as if it were there."""
    server = stateful()
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        await call(thread)
        assert released(server) == []
    assert leases(server) == ["lease-1", "lease-2"]


async def test_a_connection_lost_while_a_lease_is_opened_costs_the_call_nothing() -> None:
    server = stateful()

    def once(process: FakeProcess, message: Message) -> None:
        server.acts[OPEN] = takes_note
        process.exit(1)

    server.acts[OPEN] = once
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        assert (await call(thread))["pid"] == 1001
    assert leases(server) == ["lease-2"]


async def test_a_server_that_opens_no_lease_is_sent_no_call_of_that_thread() -> None:
    """It would take it for anybody's."""
    server = stateful()
    server.acts[OPEN] = lambda process, message: process.refuses(message, -32601, "no such method")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(ServerUnavailable, match=r"opens no lease: .*no such method.*nothing else was sent"):
            await call(thread)
        assert server.got("tools/call") == []
        server.acts[OPEN] = takes_note
        await call(thread)
    assert leases(server) == ["lease-2"]


async def test_a_server_that_does_not_answer_is_not_waited_for_without_end() -> None:
    server = stateful()
    server.acts[OPEN] = nothing
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        calls = [asyncio.create_task(call(thread)) for _ in range(3)]
        for calling in calls:
            with pytest.raises(ServerUnavailable, match="no answer within 30 s"):
                await calling
        assert world.loop.time() - begun < 31.0
        assert server.got("tools/call") == []


async def test_a_lease_takes_no_longer_than_the_call_may() -> None:
    server = stateful()
    server.acts[OPEN] = nothing
    async with World(server, configs=[config(tool_timeout=2.0)]) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(CallTimeout, match="nothing else was sent"):
            await call(thread)


async def test_a_client_cannot_pass_for_another() -> None:
    server = stateful()
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        async with thread.step() as step:
            meta = {"codex/connectionLease": b'"lease-7"', "own": b"1"}
            await step.relay("fake", "tools/call", {"name": b'"echo"'}, meta=meta)
    (sent,) = server.got("tools/call")
    assert sent["params"]["_meta"] == {"codex/connectionLease": "lease-1", "own": 1}


async def test_a_server_that_does_not_ask_for_it_is_told_nothing() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        await call(world.thread())
    assert opened(server) == []
    assert leases(server) == [None]


async def test_a_thread_beside_another_has_the_same_lease_until_both_have_left() -> None:
    server = stateful()
    async with World(server) as world:
        first = world.thread()
        second = world.thread(beside=first)
        await call(first)
        await call(second)
        await first.close()
        await world.passes(1.0)
        assert released(server) == []
        await second.close()
        await world.passes(1.0)
        assert released(server) == ["lease-1"]
    assert leases(server) == ["lease-1", "lease-1"]


async def test_a_sub_agent_has_a_lease_of_its_own() -> None:
    server = stateful()
    async with World(server) as world:
        parent = world.thread()
        child = world.thread(parent=parent)
        await call(parent)
        await call(child)
    assert leases(server) == ["lease-1", "lease-2"]
