"""Processes that report themselves, and ways to wait for them and for their end without sleeping."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

DEADLINE = 20.0
"""Seconds after which a test gives up; nothing should come near it."""

STUBBORN = ("server", "child", "setsid", "forked-twice", "no-environment")
"""What reports itself when the stubborn server is started."""


class Reports:
    """Where processes anywhere below report `NAME PID`, and the test waits for them."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._buffer = b""
        self.pids: dict[str, int] = {}
        self.handles: dict[str, int] = {}

    def wait_for(self, *names: str) -> None:
        """Wait until all of them have reported, and hold on to each by a pidfd."""
        poller = select.poll()
        poller.register(self._handle, select.POLLIN)
        while not set(names) <= self.pids.keys():
            assert poller.poll(DEADLINE * 1000), f"only {self.pids} reported"
            *lines, self._buffer = (self._buffer + os.read(self._handle, 65536)).split(b"\n")
            for line in lines:
                name, pid = line.decode().split()
                self.pids[name] = int(pid)
                self.handles[name] = os.pidfd_open(int(pid))

    def wait_until_gone(self, *names: str) -> None:
        """Wait until all of them have ended."""
        for name in names:
            poller = select.poll()
            poller.register(self.handles[name], select.POLLIN)
            assert poller.poll(DEADLINE * 1000), f"{name} (pid {self.pids[name]}) still lives"

    def living(self, *names: str) -> set[str]:
        """Those that live now."""
        living: set[str] = set()
        for name in names:
            poller = select.poll()
            poller.register(self.handles[name], select.POLLIN)
            if not poller.poll(0):
                living.add(name)
        return living

    def close(self) -> None:
        """Kill whatever still lives and let go."""
        for name, handle in self.handles.items():
            if self.living(name):
                os.kill(self.pids[name], 9)
            os.close(handle)
        os.close(self._handle)


def stubborn_command(reports: Reports) -> tuple[str, ...]:
    """The command of a server that is hard to end: it and all of its descendants ignore SIGTERM."""
    return sys.executable, "-I", "-S", str(Path(__file__).with_name("stubborn_server.py")), str(reports.path)
