"""A network whose names mean something only to those who have its proxy: an executor, and a person's browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from unittest.mock import patch
from urllib.parse import urlsplit

from support.oauth_server import Issuer, guarded
from support.served import serving

TOOLS, LOGIN = "http://tools.test", "http://login.test"
"""A server, and its issuer. No such names are ever given to anybody (RFC 6761)."""
URL = f"{TOOLS}/mcp"


class FarNetwork:
    """Knows what was asked there."""

    def __init__(self) -> None:
        self.proxy = ""
        self.asked: list[str] = []
        """Method, host and path of each request."""
        self.shown: set[str] = set()
        """What requests had as `Authorization`."""
        self._port = 0

    def count(self, asked: str) -> int:
        """How often that was asked."""
        return self.asked.count(asked)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, and what is answered to it, as it comes."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            method, target, _ = head[0].split(" ")
            url = urlsplit(target)
            fields = dict(line.split(": ", 1) for line in head[1:])
            fields = {name.lower(): value for name, value in fields.items()}
            self.asked.append(f"{method} {url.hostname}{url.path}")
            self.shown |= {fields["authorization"]} if "authorization" in fields else set()
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            fields |= {"host": f"127.0.0.1:{self._port}", "connection": "close"}
            path = f"{url.path}?{url.query}" if url.query else url.path
            lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
            back.write("\r\n".join(lines).encode("latin-1"))
            back.write(await reader.readexactly(int(fields.get("content-length", 0))))
            gone = asyncio.ensure_future(reader.read())
            while not gone.done():
                reading = asyncio.ensure_future(there.read(65536))
                await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done() or not reading.result():
                    reading.cancel()
                    break
                writer.write(reading.result())
            gone.cancel()
            back.close()
        writer.close()


@asynccontextmanager
async def far_network(issuer: Issuer) -> AsyncGenerator[FarNetwork]:
    """A server there that is signed in to with `issuer`."""
    network = FarNetwork()
    with patch("mcp.server.auth.routes.validate_issuer_url"):  # it wants https, or loopback
        app = guarded(issuer, TOOLS, LOGIN)
    async with serving(app) as url:
        network._port = urlsplit(url).port or 0  # pyright: ignore[reportPrivateUsage]
        server = await asyncio.start_server(network._take, "127.0.0.1", 0)  # pyright: ignore[reportPrivateUsage]
        network.proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield network
        finally:
            server.close()
