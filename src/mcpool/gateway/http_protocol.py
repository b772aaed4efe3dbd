"""uvicorn's HTTP protocol with one write for each answer.

An ASGI answer is two messages, head and body, of which uvicorn makes two writes, and asyncio two system calls and two
packets. Where the second has to wait for the first to be acknowledged, that is 40 ms; and everywhere it is a fifth of
what a small answer costs.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ENOUGH = 64 * 1024


class JoiningTransport:
    """A transport that joins what is written in one turn of the event loop. All else is the transport's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._scheduled = False
        # What uvicorn asks with each request does not change.
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write it at the end of this turn; large data at once, so that its backlog is felt at once."""
        self._parts.append(data)
        if len(data) > _ENOUGH:
            self._flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Close when all is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        self._scheduled = False
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._transport.write(data)


def joining_protocol() -> type[HttpToolsProtocol]:
    """The class to give to uvicorn as `http`. Imports uvicorn."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class JoiningProtocol(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            sock = transport.get_extra_info("socket")
            if sock is not None:
                # asyncio does this only for sockets that were made with an explicit protocol number.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().connection_made(JoiningTransport(transport, self.loop))  # pyright: ignore[reportArgumentType]

    return JoiningProtocol
