"""A handshake-era MCP server over HTTP whose every failure is on command, and that counts what it runs."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Self

from support.ports import closed_port
from support.raw_http import Asked, Handler, raw_server

HELLO: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "raw", "version": "1"},
}
READS = {"name": "read", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
WRITES = {"name": "write", "inputSchema": {"type": "object"}}
"""Tools: one that may be run twice, and one that may not."""

Gate = Callable[[Asked, str], Awaitable[bool]]


class McpServer:
    """Sessions and tools behind one address, which stays the same when the server goes and comes back."""

    def __init__(self) -> None:
        self.port = closed_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.initializations = 0
        self.ran: Counter[str] = Counter()
        """How often each call was carried out, by the text that it carried."""
        self.before: Gate | None = None
        """Asked before each call is run, with its text: True if it has dealt with the request itself."""
        self.after: Gate | None = None
        """The same when it has run, in place of the answer."""
        self.on_get: Callable[[Asked], Awaitable[None]] | None = None
        """Answers GET requests; without it there are no streams."""
        self._sessions: set[str] = set()
        self._serving: Any = None

    async def start(self) -> None:
        """Come (back)."""
        self._serving = raw_server(self._handle, port=self.port)
        await self._serving.__aenter__()

    async def stop(self) -> None:
        """Go, with every connection; sessions are forgotten."""
        serving, self._serving = self._serving, None
        self._sessions.clear()
        if serving is not None:
            await serving.__aexit__(None, None, None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def expire(self) -> None:
        """Forget all sessions, and nothing else."""
        self._sessions.clear()

    async def _handle(self, asked: Asked) -> None:
        if asked.method == "GET" and self.on_get is not None:
            await self.on_get(asked)
            return
        if asked.method != "POST":
            await asked.reply(405 if asked.method == "GET" else 200)
            return
        message = asked.message
        method = message.get("method")
        if method == "initialize":
            self.initializations += 1
            session = f"s{self.initializations}"
            self._sessions.add(session)
            await asked.result(HELLO, (("Mcp-Session-Id", session),))
        elif asked.headers.get("mcp-session-id") is None:
            error = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"unknown"}}'
            await asked.reply(400, error)
        elif asked.headers["mcp-session-id"] not in self._sessions:
            await asked.reply(404)
        elif method == "tools/list":
            await asked.result({"tools": [READS, WRITES]})
        elif method == "tools/call":
            await self._call(asked, message["params"].get("arguments", {}).get("text", ""))
        else:
            await asked.reply(202)

    async def _call(self, asked: Asked, text: str) -> None:
        if self.before is not None and await self.before(asked, text):
            return
        self.ran[text] += 1
        if self.after is not None and await self.after(asked, text):
            return
        await asked.result({"content": [{"type": "text", "text": text}]})


class Gathering:
    """Holds so many requests until all are there; then does what `then` says, once, and lets each go its way."""

    def __init__(self, number: int, then: Callable[[], Awaitable[None]] | None = None) -> None:
        self.all_there = asyncio.Event()
        self._left = number
        self._then = then

    async def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            if self._then is not None:
                await self._then()
            self.all_there.set()
        await self.all_there.wait()


def decoded(result: bytes) -> str:
    """The text of a tool's result."""
    return json.loads(result)["content"][0]["text"]


__all__ = ["Asked", "Gathering", "Handler", "McpServer", "decoded"]
