"""A small HTTP client over raw sockets, so that a test sees and sends exactly what it means to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = "test-token-0123456789"


@dataclass
class Event:
    """One event of a stream; `data` is decoded JSON, None where it is empty."""

    id: str | None
    data: Any


class Response:
    """A response whose body is read when asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.comments = 0

    async def read_head(self) -> None:
        self.status = int((await self._reader.readline()).split()[1])
        while (line := (await self._reader.readline()).strip()) != b"":
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def body(self) -> bytes:
        if "content-length" in self.headers:
            return await self._reader.readexactly(int(self.headers["content-length"]))
        return b"".join([chunk async for chunk in self._chunks()])

    async def json(self) -> Any:
        return json.loads(await self.body())

    async def _chunks(self) -> AsyncIterator[bytes]:
        if "content-length" in self.headers:
            yield await self.body()
            return
        while True:
            size = int((await self._reader.readline()).strip() or b"0", 16)
            chunk = await self._reader.readexactly(size)
            await self._reader.readline()
            if not chunk:
                return
            yield chunk

    async def events(self) -> AsyncIterator[Event]:
        rest = b""
        async for chunk in self._chunks():
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                fields: dict[str, str] = {}
                for line in block.decode().split("\n"):
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                if "" in fields:
                    self.comments += 1
                if "data" in fields:
                    yield Event(fields.get("id"), json.loads(fields["data"]) if fields["data"] else None)

    async def messages(self) -> list[Any]:
        """All messages until the stream ends."""
        async with asyncio.timeout(60):
            return [event.data async for event in self.events() if event.data is not None]

    async def close(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


class HttpClient:
    """One client of a gateway. Each request has a connection of its own."""

    def __init__(self, port: int, path: str = "/mcp/one", *, token: str | None = TOKEN) -> None:
        self.port = port
        self.path = path
        self.token = token
        self.session: str | None = None
        self.version: str | None = None
        self._open: list[Response] = []
        self._ids = 0

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        for response in self._open:
            await response.close()

    async def raw(self, data: bytes) -> Response:
        """Send these bytes on a new connection and read the head of what comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        response = Response(reader, writer)
        self._open.append(response)
        writer.write(data)
        async with asyncio.timeout(60):
            await response.read_head()
        return response

    def head(self, method: str, headers: Mapping[str, str | None], length: int | None) -> bytes:
        all_headers: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.port}",
            "Accept": "application/json, text/event-stream",
            "Authorization": None if self.token is None else f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Mcp-Session-Id": self.session,
            "MCP-Protocol-Version": self.version,
            "Content-Length": None if length is None else str(length),
        }
        all_headers.update(headers)
        lines = [f"{name}: {value}" for name, value in all_headers.items() if value is not None]
        return "\r\n".join([f"{method} {self.path} HTTP/1.1", *lines, "", ""]).encode("latin-1")

    async def request(
        self, method: str, body: bytes | None = None, headers: Mapping[str, str | None] | None = None
    ) -> Response:
        return await self.raw(self.head(method, headers or {}, None if body is None else len(body)) + (body or b""))

    async def post(self, message: object, headers: Mapping[str, str | None] | None = None) -> Response:
        return await self.request("POST", json.dumps(message).encode(), headers)

    async def call(self, method: str, params: object = None, *, id: object = None) -> Response:
        self._ids += 1
        message: dict[str, object] = {"jsonrpc": "2.0", "id": self._ids if id is None else id, "method": method}
        if params is not None:
            message["params"] = params
        return await self.post(message)

    async def result(self, method: str, params: object = None) -> Any:
        answer = await (await self.call(method, params)).json()
        assert "result" in answer, answer
        return answer["result"]

    async def tool(self, name: str, arguments: object = None, **more: object) -> Response:
        return await self.call("tools/call", {"name": name, "arguments": arguments or {}, **more})

    async def notify(self, method: str, params: object = None) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        response = await self.post(message)
        assert response.status == 202

    async def initialize(self, revision: str = "2025-11-25", capabilities: object = None) -> Any:
        params = {
            "protocolVersion": revision,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        response = await self.call("initialize", params)
        answer = await response.json()
        assert response.status == 200, answer
        self.session = response.headers["mcp-session-id"]
        self.version = answer["result"]["protocolVersion"]
        await self.notify("notifications/initialized")
        return answer["result"]

    async def modern(
        self,
        method: str,
        params: Mapping[str, object] | None = None,
        *,
        meta: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        id: object = 1,
    ) -> Response:
        """A request as 2026-07-28 has it, with its context and headers."""
        params = dict(params or {})
        context = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
            **(meta or {}),
        }
        said: dict[str, str | None] = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
        name = params.get("uri" if method == "resources/read" else "name")
        if isinstance(name, str):
            said["Mcp-Name"] = name
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": {**params, "_meta": context}}
        return await self.post(message, {**said, **(headers or {})})
