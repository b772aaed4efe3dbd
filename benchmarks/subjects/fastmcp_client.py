"""fastmcp's client, held open."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.caller import Caller
from benchmarks.paths import ECHO

TITLE = "fastmcp client"


@asynccontextmanager
async def opened() -> AsyncGenerator[Caller]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    async with Client(StdioTransport(command=ECHO[0], args=list(ECHO[1:]))) as client:

        async def text(tool: str, **arguments: object) -> str:
            result = await client.call_tool(tool, arguments)
            return result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]

        async def echo(value: str) -> str:
            return await text("echo", text=value)

        async def big(size: int) -> int:
            return len(await text("big", size=size))

        yield Caller(echo, big)
