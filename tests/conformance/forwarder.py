"""A client's token, for programs that cannot send one: a loopback port that adds it to each request.

Everything else, the Host and Origin headers included, goes through as it is, both ways and at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNK = 65536


@asynccontextmanager
async def forwarding(port: int, token: str) -> AsyncGenerator[int]:
    """A port that leads to another one of this machine, with a token."""
    bearer = f"\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as tasks:
                answering = tasks.create_task(_copy(there, writer))
                await _copy_requests(reader, back, bearer)
                answering.cancel()
        finally:
            back.close()
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _copy_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bearer: bytes) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            writer.write(head + bearer + body)
            await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(_CHUNK):
            writer.write(part)
            await writer.drain()
        writer.write_eof()
