"""A gateway in front of servers of both eras that ask, and users who are asked through the official SDK's client."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import mcpool
from gatewaykit.sdk_client import Mode, Way, over_http, over_stream
from gatewaykit.serving import gateway_for, serving
from mcpool.gateway.app import Gateway
from mcpool.gateway.limits import Limits

if TYPE_CHECKING:
    from mcp import Client

Era = Literal["handshake", "modern", "pinned"]
Cell = tuple[Mode, Era]
"""The era of the client, and that of the server."""

CLIENTS: tuple[Mode, ...] = ("legacy", "2026-07-28")
SERVERS: tuple[Era, ...] = ("handshake", "modern")
CELLS: tuple[Cell, ...] = tuple((client, server) for client in CLIENTS for server in SERVERS)

_ASKER = str(Path(__file__).with_name("sdk_asker.py"))


class User:
    """Answers what it is asked, and remembers that."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer or {"action": "accept", "content": {"name": "Ada"}}
        self.asked: list[Any] = []

    async def elicit(self, context: object, params: Any) -> Any:
        from mcp_types import ElicitResult

        self.asked.append(params)
        if self.answer["action"] == "accept" and getattr(params, "requested_schema", None) is not None:
            wanted = params.requested_schema["properties"]
            return ElicitResult(action="accept", content={"name": "Ada"} if "name" in wanted else {"age": 36})
        return ElicitResult(action=self.answer["action"])

    async def sample(self, context: object, params: Any) -> Any:
        from mcp_types import CreateMessageResult, TextContent

        self.asked.append(params)
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="m")


class Place:
    """A gateway in front of a server of each era."""

    def __init__(self, host: mcpool.Host, gateway: Gateway, port: int) -> None:
        self.host = host
        self.gateway = gateway
        self.port = port

    @asynccontextmanager
    async def client(self, way: Way, cell: Cell, user: User | None = None, **options: Any) -> AsyncGenerator[Client]:
        mode, server = cell
        if user is not None:
            options |= {"elicitation_callback": user.elicit, "sampling_callback": user.sample}
        if way == "http":
            async with over_http(self.port, f"/mcp/{server}", mode, **options) as client:
                yield client
        else:
            async with over_stream(self.gateway, server, mode, **options) as client:
                yield client


@asynccontextmanager
async def asked_place(home: Path, limits: Limits | None = None) -> AsyncGenerator[Place]:
    """The gateway of a host with servers named by their eras; `pinned` speaks both and is held to the older."""
    server = {"command": sys.executable, "cwd": "/"}
    servers = {era: {**server, "args": [_ASKER, era]} for era in SERVERS}
    servers["pinned"] = {**server, "args": [_ASKER], "era": "handshake"}
    async with mcpool.open({"mcpServers": servers}, home=home) as host:
        gateway = gateway_for(host, limits)
        async with serving(gateway) as port:
            yield Place(host, gateway, port)


def text_of(parts: Any) -> str:
    """The text in the content of a result."""
    return "".join(part.text for part in parts)


def told(result: Any) -> Any:
    """What a tool of the server says."""
    text = text_of(result.content)
    assert not result.is_error, text
    return json.loads(text)
