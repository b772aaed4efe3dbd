"""A raw MCP client over HTTP that costs next to nothing, the same for every gateway.

Streamable HTTP in the handshake era, answers as JSON or SSE; and the older transport (one SSE stream that carries all
answers) for gateways that know nothing else.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httptools

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class Session(Protocol):
    """One client's session with a gateway."""

    async def request(self, method: str, params: object) -> Any:
        """Send one request and return its result."""
        ...

    async def open(self) -> None: ...

    def close(self) -> None: ...


class GatewayError(Exception):
    """The gateway answered with an error."""


def _event_data(block: bytes) -> bytes:
    return b"\n".join(line[5:].strip() for line in block.splitlines() if line.startswith(b"data:"))


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one exchange at a time."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.reply: asyncio.Future[tuple[int, dict[str, str], bytes]] | None = None
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        self.stream: asyncio.Queue[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(exc or ConnectionError("the gateway closed the connection"))

    def send(self, data: bytes) -> asyncio.Future[tuple[int, dict[str, str], bytes]]:
        self.headers, self.chunks = {}, []
        self.reply = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self.reply

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        if self.stream is not None:
            self.stream.put_nowait(body)
        else:
            self.chunks.append(body)

    def on_message_complete(self) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.set_result((self.parser.get_status_code(), self.headers, b"".join(self.chunks)))


class StreamableSession:
    """Streamable HTTP: every request is a POST, and its answer comes on it."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url = url
        self.extra = dict(headers)
        self.ids = 0
        self.connection: _Connection | None = None

    async def open(self) -> None:
        parts = urlsplit(self.url)
        loop = asyncio.get_running_loop()
        _, self.connection = await loop.create_connection(_Connection, parts.hostname, parts.port or 80)
        self._head()
        await self.request("initialize", INITIALIZE)
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _head(self) -> None:
        parts = urlsplit(self.url)
        lines = [
            f"POST {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            *(f"{name}: {value}" for name, value in self.extra.items()),
        ]
        self.head = "\r\n".join(lines).encode() + b"\r\nContent-Length: "

    async def _post(self, message: object) -> tuple[dict[str, str], bytes]:
        if self.connection is None:
            msg = "not open"
            raise GatewayError(msg)
        body = json.dumps(message).encode()
        status, headers, answer = await self.connection.send(self.head + b"%d\r\n\r\n" % len(body) + body)
        if status >= 300:
            msg = f"HTTP {status}: {answer[:200]!r}"
            raise GatewayError(msg)
        return headers, answer

    async def request(self, method: str, params: object) -> Any:
        self.ids += 1
        message = {"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}
        headers, body = await self._post(message)
        if method == "initialize":
            self.extra["MCP-Protocol-Version"] = "2025-06-18"
            if session := headers.get("mcp-session-id"):
                self.extra["Mcp-Session-Id"] = session
            self._head()
        if headers.get("content-type", "").startswith("text/event-stream"):
            blocks = body.replace(b"\r\n", b"\n").split(b"\n\n")
            answers = [json.loads(data) for block in blocks if (data := _event_data(block))]
            answer = next(one for one in answers if one.get("id") == self.ids)
        else:
            answer = json.loads(body)
        if "result" not in answer:
            raise GatewayError(answer)
        return answer["result"]

    def close(self) -> None:
        if self.connection is not None:
            self.connection.transport.close()


class EventStreamSession:
    """HTTP+SSE of 2024-11-05: answers come on one GET stream, whatever POST asked for them."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url = url
        self.extra = headers
        self.ids = 0
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.connections: list[_Connection] = []
        self.reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        parts = urlsplit(self.url)
        loop = asyncio.get_running_loop()
        self.endpoint: asyncio.Future[str] = loop.create_future()
        for _ in range(2):
            _, connection = await loop.create_connection(_Connection, parts.hostname, parts.port or 80)
            self.connections.append(connection)
        listening, self.posting = self.connections
        listening.stream = asyncio.Queue()
        head = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n"
        listening.transport.write(head.encode())
        self.reader = loop.create_task(self._read(listening.stream))
        path = await asyncio.wait_for(self.endpoint, 10)
        self.head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n".encode()
        await self.request("initialize", INITIALIZE)
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _read(self, stream: asyncio.Queue[bytes]) -> None:
        rest = b""
        while True:
            rest = (rest + await stream.get()).replace(b"\r\n", b"\n")
            *blocks, rest = rest.split(b"\n\n")
            for block in blocks:
                data = _event_data(block)
                if b"event: endpoint" in block:
                    parts = urlsplit(data.decode())
                    self.endpoint.set_result(parts.path + (f"?{parts.query}" if parts.query else ""))
                elif data:
                    answer = json.loads(data)
                    if (future := self.waiting.pop(answer.get("id"), None)) is not None:
                        future.set_result(answer)

    async def _post(self, message: object) -> None:
        body = json.dumps(message).encode()
        await self.posting.send(self.head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def request(self, method: str, params: object) -> Any:
        self.ids += 1
        future = self.waiting[self.ids] = asyncio.get_running_loop().create_future()
        await self._post({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params})
        answer = await future
        if "result" not in answer:
            raise GatewayError(answer)
        return answer["result"]

    def close(self) -> None:
        if self.reader is not None:
            self.reader.cancel()
        for connection in self.connections:
            connection.transport.close()
