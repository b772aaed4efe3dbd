"""The link of an attached host: a socket whose other end is the daemon."""

from __future__ import annotations

import asyncio
import socket

import pytest

from mcpool.host import attach
from mcpool.host.attach import link_over
from mcpool.rendezvous import Joined


class Recorder:
    def __init__(self) -> None:
        self.heard = b""
        self.ended = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        self.heard += data

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None:
        self.ended.set()


async def test_what_came_with_the_greeting_comes_first() -> None:
    ours, daemons = socket.socketpair()
    sink = Recorder()
    with daemons:
        daemons.sendall(b"second")
        daemons.shutdown(socket.SHUT_WR)
        link = await link_over(Joined(ours, b"first "), sink)
        await sink.ended.wait()
        await link.close()
    assert sink.heard == b"first second"


async def test_a_daemon_that_reads_no_more_keeps_nobody_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "LAST_BYTES", 0.1)
    ours, daemons = socket.socketpair()
    sink = Recorder()
    with daemons:
        link = await link_over(Joined(ours, b""), sink)
        link.write(bytes(10_000_000))
        async with asyncio.timeout(20):
            await link.close()
    assert sink.ended.is_set()
