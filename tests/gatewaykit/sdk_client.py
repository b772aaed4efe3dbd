"""The official SDK's client at a gateway in this process: over HTTP, or on a stream as a shim has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from gatewaykit.http_client import TOKEN
from mcpool.gateway.app import Gateway
from mcpool.gateway.stream_client import StreamClient

if TYPE_CHECKING:
    from mcp import Client

Mode = Literal["legacy", "auto", "2026-07-28"]
Way = Literal["http", "stream"]


@asynccontextmanager
async def over_http(port: int, path: str, mode: Mode, **options: Any) -> AsyncGenerator[Client]:
    """A client of an endpoint."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
        Client(streamable_http_client(f"http://127.0.0.1:{port}{path}", http_client=http), mode=mode, **options) as it,
    ):
        yield it


@asynccontextmanager
async def over_stream(gateway: Gateway, route: str | None, mode: Mode, **options: Any) -> AsyncGenerator[Client]:
    """A client of one server, or of all, by lines."""
    from mcp import Client

    async with Client(_streams(gateway, route), mode=mode, **options) as client:
        yield client


@asynccontextmanager
async def _streams(gateway: Gateway, route: str | None) -> AsyncGenerator[Any]:
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    to_client, client_reads = anyio.create_memory_object_stream[SessionMessage | Exception](1000)
    client_writes, from_client = anyio.create_memory_object_stream[SessionMessage](1000)

    def write(line: bytes) -> None:
        to_client.send_nowait(SessionMessage(jsonrpc_message_adapter.validate_json(line)))

    client = StreamClient(gateway, route=route, cwd="/", principal="local", write=write)

    async def read() -> None:
        async for message in from_client:
            client.on_line(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

    reading = asyncio.create_task(read())
    try:
        async with to_client, client_reads, client_writes, from_client:
            yield client_reads, client_writes
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await client.close()
