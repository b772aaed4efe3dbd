"""A server on the official SDK, of both eras, with a tool for each thing that a session has to bear."""

from __future__ import annotations

import os

from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel

server = MCPServer("sdk-server", version="1.2.3", instructions="be kind")


class Name(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    return text


@server.tool()
def large(size: int) -> str:
    return "é" * size


@server.tool()
async def slow(ctx: Context) -> str:
    for step in range(3):
        await ctx.report_progress(step, 3)
    return "done"


@server.tool()
async def ask(ctx: Context) -> str:
    answer = await ctx.elicit("who?", Name)
    return answer.model_dump_json()


@server.tool()
async def change(ctx: Context) -> str:
    await ctx.notify_tools_changed()
    return "changed"


@server.tool()
def die() -> str:
    os._exit(3)


if __name__ == "__main__":
    server.run("stdio")
