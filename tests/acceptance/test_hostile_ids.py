"""Ids, progress tokens and cancellations of hostile clients on one shared process: nothing crosses."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import AsyncExitStack

import pytest

from gatewaykit.http_client import HttpClient
from gatewaykit.waiting import until
from support import witness_server
from support.hostile import ByShim, ByUrl, Hostile, judge, text_of
from support.mcpool_home import McpoolHome

TURNS = 200
"""Of each of the clients: with calls, cancellations and ids that are none."""


@pytest.fixture
def daemon(mcpool: McpoolHome) -> McpoolHome:
    """A daemon with one server that can tell what was asked of it."""
    server = {"command": sys.executable, "args": ["-I", "-S", witness_server.__file__], "cwd": "/"}
    mcpool.configure_servers(witness=server)
    mcpool.up().ready()
    return mcpool


async def honest(daemon: McpoolHome, done: asyncio.Event) -> list[str]:
    """A client as it should be, whom nothing of all this concerns; returns what was wrong."""
    wrong: list[str] = []
    async with HttpClient(daemon.port(), "/mcp/witness", token=daemon.token()) as client:
        await client.initialize()
        number = 0
        while not done.is_set():
            mine = f"honest/{number}"
            response = await client.call("tools/call", {"name": "say", "arguments": {"mine": mine}}, id=number % 10)
            answer = await response.json()
            if answer["id"] != number % 10 or text_of(answer) != mine:
                wrong.append(str(answer))
            number += 1
    assert number > 10
    return wrong


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.timeout(180)
async def test_whatever_ids_clients_use_each_hears_of_its_own_calls_only(daemon: McpoolHome, seed: int) -> None:
    chance = random.Random(seed)
    clients: list[ByUrl | ByShim] = [
        kind(f"{kind.__name__}-{era}-{number}", era, random.Random(chance.random()))
        for kind in (ByUrl, ByShim)
        for era in ("legacy", "2026-07-28")
        for number in range(4)
    ]
    done = asyncio.Event()
    async with AsyncExitStack() as stack:
        there: list[Hostile] = [await stack.enter_async_context(client.at(daemon)) for client in clients]
        bystander = asyncio.create_task(honest(daemon, done))
        await asyncio.gather(*(client.play(TURNS) for client in there))
        done.set()
        assert await bystander == []

        async def idle() -> bool:
            (row,) = (await asyncio.to_thread(daemon.status))["servers"]
            return row["in_flight"] == 0

        await until(idle)
        for client in there:
            await client.all_answered()
        async with HttpClient(daemon.port(), "/mcp/witness", token=daemon.token()) as client:
            await client.initialize()
            ran: dict[str, int] = text_of(await (await client.tool("ran")).json())
            cancelled: list[str] = text_of(await (await client.tool("cancelled")).json())

    mine = {one.mine for client in clients for one in client.asks}
    wrong = judge(there, {name: n for name, n in ran.items() if name in mine}, cancelled)
    assert wrong == [], f"{len(wrong)} things are wrong"
    (row,) = daemon.status()["servers"]
    assert (row["generation"], row["in_flight"]) == (1, 0)
    asked, answered = sum(len(c.asks) for c in clients), sum(1 for c in clients for a in c.asks if a.outcome == a.mine)
    print(f"{asked} asked, {answered} answered, {len(cancelled)} cancelled")
    assert answered > asked / 3
