"""A host whose servers are those of the running daemon: each thread reaches each server through the daemon's socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mcpool.backend.connection import Opener
from mcpool.catalog.identity import StdioIdentity
from mcpool.config.server import ServerConfig, Stdio
from mcpool.errors import DaemonError, ServerUnavailable
from mcpool.pool.resolver import Circumstances, Resolved
from mcpool.rendezvous import Joined, join
from mcpool.wire.link import Link, Sink

STATUS_TIMEOUT = 10.0
"""Seconds that the daemon has to tell its servers."""

LAST_BYTES = 2.0
"""Seconds that the daemon has to read what was written to it before the socket was closed."""


async def attached(home: Path) -> tuple[DaemonResolver, tuple[ServerConfig, ...]]:
    """The daemon's servers, and how to reach them. The daemon does the sharing: here each thread has its own line.

    Raises:
        DaemonError: no daemon runs for this home, or it does not answer.
    """
    names = await asyncio.to_thread(_server_names, str(home))
    servers = tuple(ServerConfig(name, Stdio("mcpool", ("connect", name)), scope="thread") for name in names)
    return DaemonResolver(str(home)), servers


def _server_names(home: str) -> list[str]:
    joined = join(home, kind="control", cwd=home)
    joined.sock.settimeout(STATUS_TIMEOUT)
    try:
        with joined.sock as sock, sock.makefile("rb") as lines:
            sock.sendall(b'{"id":1,"method":"status","params":{}}\n')
            answer = json.loads(joined.rest + lines.readline() if b"\n" not in joined.rest else joined.rest)
    except (OSError, ValueError) as error:
        msg = f"the daemon of {home} does not tell its servers ({error}); look at `mcpool status`, or start it anew"
        raise DaemonError(msg) from None
    if "result" not in answer:
        raise DaemonError(f"the daemon does not tell its servers: {answer.get('error')}")
    return list(dict.fromkeys(row["name"] for row in answer["result"]["servers"] if row["state"] != "disabled"))


class DaemonResolver:
    """Resolves servers to lines to the daemon of one home."""

    def __init__(self, home: str) -> None:
        self._home = home

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        """A line of its own for each thread, in the thread's folder."""
        identity = StdioIdentity("mcpool", ("connect", server.name), (), circumstances.cwd)
        return Resolved(identity, self._opener(server.name, circumstances.cwd), era="handshake")

    def learned_roots(self, server: ServerConfig) -> None:
        """The daemon knows better."""

    def _opener(self, server: str, cwd: str) -> Opener:
        async def reach(sink: Sink) -> Link:
            try:
                joined = await asyncio.to_thread(join, self._home, server=server, whole=True, cwd=cwd)
            except DaemonError as error:
                raise ServerUnavailable(server, str(error)) from None
            return await link_over(joined, sink)

        return reach


async def link_over(joined: Joined, sink: Sink) -> SocketLink:
    """The link over a line to the daemon that was just joined."""
    joined.sock.setblocking(False)
    link = SocketLink(sink, joined.rest)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=joined.sock)
    return link


class SocketLink(asyncio.Protocol):
    """A link over a socket whose other end is the daemon."""

    def __init__(self, sink: Sink, first: bytes = b"") -> None:
        """`first` is what was read of the socket before."""
        self._sink = sink
        self._first = first
        self._written = 0
        self._transport: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """It has no process of ours."""
        return None

    @property
    def alive(self) -> bool:
        """Whether the socket is open."""
        return not self._gone.done() and self._transport is not None and not self._transport.is_closing()

    @property
    def sent(self) -> int:
        """Bytes that the socket took."""
        return self._written - self.buffered

    @property
    def buffered(self) -> int:
        """Bytes that the socket did not take yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None and self.alive:
            self._written += len(data)
            self._transport.write(data)

    def last_words(self) -> str:
        """The daemon says what is wrong in its answers."""
        return ""

    async def close(self) -> None:
        """Close the socket; the daemon sees to the rest. If it reads no more, what waits for it is dropped."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait([self._gone], timeout=LAST_BYTES)
            self._transport.abort()
            await asyncio.shield(self._gone)

    def kill(self) -> None:
        """Close the socket without sending what waits."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready (asyncio.Protocol)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._first:
            self._sink.on_bytes(self._first)

    def data_received(self, data: bytes) -> None:
        """Bytes came (asyncio.Protocol)."""
        self._sink.on_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed (asyncio.Protocol)."""
        if not self._gone.done():
            self._gone.set_result(None)
        self._sink.on_exit(None)
