"""A server for connectors, on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer


def applications(told: list[dict[str, Any]]) -> MCPServer:
    """A server for connectors: two of them, with a tool each."""
    server = MCPServer("apps")

    def note(context: Context[Any, Any]) -> str:
        told.append(dict(context.request_context.meta or {}))
        return "done"

    @server.tool(meta={"connector_id": "c-mail", "connector_name": "Mail"})
    def send(context: Context[Any, Any]) -> str:
        return note(context)

    @server.tool(meta={"connector_id": "c-chat", "connector_name": "Chat"})
    def post(context: Context[Any, Any]) -> str:
        return note(context)

    return server


@asynccontextmanager
async def serving(server: MCPServer) -> AsyncGenerator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(server.streamable_http_app(), log_level="error", ws="none", timeout_graceful_shutdown=1)
        running = uvicorn.Server(config)
        task = asyncio.create_task(running.serve(sockets=[sock]))
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        finally:
            running.should_exit = True
            await task
