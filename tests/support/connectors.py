"""A server for connectors."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from starlette.types import ASGIApp


def applications(told: list[dict[str, Any]]) -> ASGIApp:
    """Two connectors, with a tool each; `told` gets the `_meta` of each call."""
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

    return server.streamable_http_app()
