"""Everything together: a host's place to start servers, in this process."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcpool.launch.cookie import HostCookie, home_id, is_alive
from mcpool.launch.place import open_local
from mcpool.launch.process_table import HOST_COOKIE, SERVER_COOKIE, ProcessRow, scan
from mcpool.launch.spec import LaunchSpec
from mcpool.launch.warden_client import Warden

if TYPE_CHECKING:
    from integration.launch.conftest import Starter


class Deaf:
    """Wants to know nothing."""

    def on_bytes(self, data: bytes) -> None: ...

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None: ...


class Echo(Deaf):
    """Hears whether anything came."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        self.heard.set()


def processes_of(home: Path) -> list[ProcessRow]:
    """All that carry a cookie of that home."""
    prefix = home_id(home)
    return [row for row in scan() if (row.value(HOST_COOKIE) or "").startswith(prefix)]


async def test_leaving_ends_servers_warden_and_claim(tmp_path: Path) -> None:
    """And no descriptor, thread or warning of it is left."""
    before = len(os.listdir("/proc/self/fd"))
    async with open_local(tmp_path, {"PATH": os.environ["PATH"]}) as launcher:
        echo = Echo()
        link = await launcher.start(LaunchSpec("srv", ("/bin/cat",), (), "/"), echo)
        link.write(b"ready\n")
        await echo.heard.wait()  # Its environment can be read once it runs, a moment after it was started.
        (server,) = processes_of(tmp_path)
        cookie = server.value(HOST_COOKIE) or ""
        assert is_alive(tmp_path, cookie)
        assert server.value(SERVER_COOKIE)
    gc.collect()

    assert processes_of(tmp_path) == []
    assert os.listdir(tmp_path / "hosts") == []
    assert len(os.listdir("/proc/self/fd")) == before
    assert [thread.name for thread in threading.enumerate() if "mcpool" in thread.name] == []


async def test_cancelled_host_ends_its_servers_before_it_gives_up(tmp_path: Path) -> None:
    """Ctrl-C is a cancellation."""
    up = asyncio.Event()

    async def host() -> None:
        async with open_local(tmp_path, {"PATH": os.environ["PATH"]}) as launcher:
            await launcher.start(LaunchSpec("srv", ("/bin/sleep", "1000"), (), "/"), Deaf())
            up.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(host())
    await up.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert processes_of(tmp_path) == []


async def test_dismissed_warden_leaves_without_touching_anything(starter: Starter, tmp_path: Path) -> None:
    """Groups that were unwatched are none of its business."""
    link, sink = await starter.run("/bin/cat")
    assert link.pid is not None
    async with Warden.open(tmp_path, "home.other") as warden:
        warden.watch(link.pid, "srv")
        warden.unwatch(link.pid)
        assert warden.pid is not None
        pid = warden.pid

    assert pid not in [row.pid for row in scan()]
    assert link.alive
    assert not sink.exits


async def test_warden_ends_the_groups_that_its_client_leaves_behind(starter: Starter, tmp_path: Path) -> None:
    """A client that goes without having ended them has failed to."""
    link, sink = await starter.sh("sleep 1000")
    assert link.pid is not None

    async with Warden.open(tmp_path, "home.other") as warden:
        warden.watch(link.pid, "srv")

    assert await sink.exit() == -signal.SIGTERM


async def test_warden_that_does_not_listen_is_replaced(tmp_path: Path) -> None:
    """Its pipe is full at some point; the successor is told what counts."""
    async with Warden.open(tmp_path, "home.other") as warden:
        assert warden.pid is not None
        first = os.pidfd_open(warden.pid)
        os.kill(warden.pid, signal.SIGSTOP)
        for _ in range(20_000):
            warden.watch(999_999_999, "srv")
        poller = select.poll()
        poller.register(first, select.POLLIN)
        assert poller.poll(20_000), "the deaf warden still lives"
        os.close(first)
        async with asyncio.timeout(20):
            while not warden.replaced:  # noqa: ASYNC110 (it announces its replacement to nobody)
                await asyncio.sleep(0)
        warden.unwatch(999_999_999)


async def test_warden_inherits_no_cookie(tmp_path: Path) -> None:
    """Else a host above this one would end it together with its own host, and with it the last to clean up."""
    with HostCookie.claim(tmp_path) as cookie:
        environ = {"PATH": "/bin", HOST_COOKIE: "0000000000000000.above", "TOKEN": "secret"}
        async with Warden.open(tmp_path, cookie.text, environ) as warden:
            (row,) = [row for row in scan() if row.pid == warden.pid]
            names = {pair.partition(b"=")[0] for pair in row.environ or () if pair}

    assert names <= {b"PATH", b"LC_CTYPE"}
