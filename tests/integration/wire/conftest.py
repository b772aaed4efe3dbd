"""A server process of our own on the other end of two pipes, and a peer that remembers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mcpool.wire.engine import Engine, Inbound
from mcpool.wire.link import Sink
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.session import Era, Session

TIMEOUT = 60.0
SDK_SERVER = str(Path(__file__).with_name("sdk_server.py"))


class ProcessLink(asyncio.SubprocessProtocol):
    """The least that is a link: asyncio's own pipes."""

    def __init__(self, sink: Sink) -> None:
        self.alive = True
        self.sent = 0
        self.ended = asyncio.get_running_loop().create_future()
        self._sink = sink
        self._transport: asyncio.SubprocessTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._sink.on_bytes(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.alive = False
        if fd == 1:
            self._sink.on_eof()

    def process_exited(self) -> None:
        self.alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.on_exit(self._transport.get_returncode())
        self.ended.set_result(None)

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid()

    @property
    def buffered(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        pipe.write(data)
        self.sent += len(data)

    def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        if not self.ended.done():
            self.kill()
        await self.ended
        self._transport.close()

    def kill(self) -> None:
        if self.alive:
            self._transport.kill()


class Connected:
    """A session with a real server, and all that the server said of its own accord."""

    def __init__(self) -> None:
        self.engine = Engine("server", self, loop=asyncio.get_running_loop())
        self.session: Session
        self.link: ProcessLink
        self.requests: asyncio.Queue[Inbound] = asyncio.Queue()
        self.notifications: asyncio.Queue[Inbound] = asyncio.Queue()
        self.lost: list[ConnectionLost] = []
        self.garbage: list[tuple[str, bytes]] = []

    def on_request(self, inbound: Inbound) -> None:
        self.requests.put_nowait(inbound)

    def on_notification(self, inbound: Inbound) -> None:
        self.notifications.put_nowait(inbound)

    def on_lost(self, lost: ConnectionLost) -> None:
        self.lost.append(lost)

    def on_closing(self, lost: ConnectionLost) -> None: ...

    def on_gap(self) -> None: ...

    def on_settled(self) -> None: ...

    def on_garbage(self, kind: str, sample: bytes) -> None:
        self.garbage.append((kind, sample))


Connect = Callable[..., Awaitable[Connected]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Start a command (the SDK's server by default) and open a session with it; it ends with the test."""
    links: list[ProcessLink] = []

    async def connect(*argv: str, remembered: Era | None = None) -> Connected:
        loop = asyncio.get_running_loop()
        connected = Connected()
        _, link = await loop.subprocess_exec(
            lambda: ProcessLink(connected.engine),
            *(argv or (sys.executable, SDK_SERVER)),
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )
        links.append(link)
        connected.link = link
        connected.engine.attach(link)
        connected.session = await Session.open(
            connected.engine,
            client_info={"name": "mcpool", "version": "0"},
            capabilities=b'{"elicitation":{"form":{}},"sampling":{}}',
            remembered=remembered,
            deadline=loop.time() + TIMEOUT,
        )
        return connected

    yield connect
    for link in links:
        await link.close()
