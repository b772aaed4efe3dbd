"""The official SDK's client, as its documentation uses it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.caller import Caller
from benchmarks.paths import ECHO

TITLE = "mcp SDK client"


@asynccontextmanager
async def opened() -> AsyncGenerator[Caller]:
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    parameters = StdioServerParameters(command=ECHO[0], args=list(ECHO[1:]))
    async with Client(stdio_client(parameters), mode="legacy") as client:

        async def text(tool: str, **arguments: object) -> str:
            result = await client.call_tool(tool, arguments)
            return result.content[0].text  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

        async def echo(value: str) -> str:
            return await text("echo", text=value)

        async def big(size: int) -> int:
            return len(await text("big", size=size))

        yield Caller(echo, big)
