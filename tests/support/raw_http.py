"""An HTTP/1.1 server for tests that answers exactly as it is told, and wrong if it is told so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Asked:
    """One request as it came in, and the means to answer it."""

    method: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter
    target: str = "/"

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)

    async def reply(
        self, status: int, body: bytes = b"", kind: str = "application/json", extra: tuple[tuple[str, str], ...] = ()
    ) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in extra]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def result(self, value: object, extra: tuple[tuple[str, str], ...] = ()) -> None:
        answer = {"jsonrpc": "2.0", "id": self.message["id"], "result": value}
        await self.reply(200, json.dumps(answer).encode(), extra=extra)

    async def open_stream(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await self.writer.drain()

    async def event(self, message: object, head: bytes = b"") -> None:
        self.writer.write(head + b"data: " + json.dumps(message).encode() + b"\n\n")
        await self.writer.drain()

    def hang_up(self) -> None:
        self.writer.close()


Handler = Callable[[Asked], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: Handler, port: int = 0) -> AsyncGenerator[str]:
    """An HTTP/1.1 server that answers exactly as `handler` says; yields its URL."""
    connections: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (entry.partition(":") for entry in head[1:] if entry)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = head[0].split()
                await handler(Asked(method, headers, body, writer, target))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
