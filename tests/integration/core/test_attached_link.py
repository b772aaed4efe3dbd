"""What an attached host does over its sockets, and how it bears a daemon that does not do its part."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from pathlib import Path

import pytest

from mcpool.errors import DaemonError
from mcpool.host import attach
from mcpool.host.attach import attached, link_over
from mcpool.rendezvous import Joined
from support.fake_daemon import FakeDaemon


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


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_a_daemon_that_does_not_tell_its_servers_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs_up: bool
) -> None:
    monkeypatch.setattr(attach, "STATUS_TIMEOUT", 0.2)
    with closing(FakeDaemon(tmp_path)) as daemon:
        attaching = asyncio.create_task(attached(tmp_path))
        conversation = await asyncio.to_thread(daemon.accept)
        if hangs_up:
            conversation.close()
        async with asyncio.timeout(60):
            with pytest.raises(DaemonError, match="does not tell its servers"):
                await attaching
