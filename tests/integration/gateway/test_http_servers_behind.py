"""HTTP servers that forget us or restart, behind the gateway: its clients notice nothing, and never begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import mcpool
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving
from support.mcp_over_http import McpServer

DEADLINE = 30.0
CLIENTS = 3
CALLS = 10


@pytest.fixture
async def server() -> AsyncGenerator[McpServer]:
    async with McpServer() as server:
        yield server


@pytest.fixture
async def clients(server: McpServer, tmp_path: Path) -> AsyncGenerator[list[HttpClient]]:
    """Clients that have begun, and made a call each."""
    async with AsyncExitStack() as stack:
        source = {"mcp_servers": {"web": {"url": server.url}}}
        host = await stack.enter_async_context(mcpool.open(source, home=tmp_path))
        port = await stack.enter_async_context(serving(gateway_for(host)))
        made = [await stack.enter_async_context(HttpClient(port, "/mcp/web")) for _ in range(CLIENTS)]
        for client in made:
            await client.initialize()
            await write(client, "warm")
        server.ran.clear()
        yield made


async def write(client: HttpClient, text: str) -> str:
    async with asyncio.timeout(DEADLINE):
        response = await client.tool("write", {"text": text})
        if response.is_stream:
            answer = (await response.messages())[-1]
        else:
            answer = await response.json()
    assert "result" in answer, answer
    return answer["result"]["content"][0]["text"]


async def everybody_writes(clients: list[HttpClient]) -> list[str]:
    texts = [(client, f"c{number}t{n}") for number, client in enumerate(clients) for n in range(CALLS)]
    return await asyncio.gather(*(write(client, text) for client, text in texts))


EXPECTED = [f"c{number}t{n}" for number in range(CLIENTS) for n in range(CALLS)]


async def test_expired_sessions_are_opened_anew_once_for_each_client(
    server: McpServer, clients: list[HttpClient]
) -> None:
    before = server.initializations
    server.expire()
    assert await everybody_writes(clients) == EXPECTED
    assert server.initializations == before + CLIENTS
    assert server.ran == dict.fromkeys(EXPECTED, 1)


async def test_a_restart_between_calls_is_not_noticed(server: McpServer, clients: list[HttpClient]) -> None:
    before = server.initializations
    await server.stop()
    await server.start()
    assert await everybody_writes(clients) == EXPECTED
    assert server.initializations == before + CLIENTS
    assert server.ran == dict.fromkeys(EXPECTED, 1)
