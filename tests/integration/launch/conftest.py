"""Real processes, and ways to wait for them without sleeping."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mcpool.launch.local import LocalLauncher
from mcpool.launch.local_link import LocalLink, Patience
from mcpool.launch.spec import LaunchSpec
from support.reports import Reports, stubborn_command

DEADLINE = 20.0
"""Seconds after which a test gives up; nothing should come near it."""


class RecordingSink:
    """Keeps what a link reports, in order."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.events: list[str] = []
        self.exits: list[int | None] = []
        self._changed = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        self.data += data
        self._note("bytes")

    def on_eof(self) -> None:
        self._note("eof")

    def on_exit(self, status: int | None) -> None:
        self.exits.append(status)
        self._note("exit")

    async def exit(self) -> int | None:
        """Wait for the exit."""
        await self._until(lambda: bool(self.exits))
        return self.exits[0]

    async def received(self, count: int) -> bytes:
        """Wait for at least `count` bytes."""
        await self._until(lambda: len(self.data) >= count)
        return bytes(self.data)

    async def line(self) -> str:
        """Wait for a complete first line."""
        await self._until(lambda: b"\n" in self.data)
        return self.data.split(b"\n", 1)[0].decode()

    async def _until(self, condition: object) -> None:
        assert callable(condition)
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, event: str) -> None:
        self.events.append(event)
        self._changed.set()


class Starter:
    """Starts small servers written in place."""

    def __init__(self, launcher: LocalLauncher, folder: Path) -> None:
        self.launcher = launcher
        self.folder = folder

    async def run(self, *argv: str, env: dict[str, str] | None = None) -> tuple[LocalLink, RecordingSink]:
        """Start a command."""
        sink = RecordingSink()
        pairs = tuple(sorted({"PATH": os.environ["PATH"], **(env or {})}.items()))
        link = await self.launcher.start(LaunchSpec("srv", argv, pairs, str(self.folder)), sink)
        assert isinstance(link, LocalLink)
        return link, sink

    async def sh(self, script: str) -> tuple[LocalLink, RecordingSink]:
        """Start a shell script."""
        return await self.run("/bin/sh", "-c", script)

    async def python(self, script: str, *arguments: str) -> tuple[LocalLink, RecordingSink]:
        """Start a Python program."""
        return await self.run(sys.executable, "-I", "-S", "-c", script, *arguments)


@pytest.fixture
async def starter(tmp_path: Path) -> AsyncIterator[Starter]:
    """A launcher whose stops are short, ended with the test."""
    async with LocalLauncher(tmp_path, None, "0123456789abcdef.test", patience=Patience(0.3, 0.3)) as launcher:
        yield Starter(launcher, tmp_path)


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[Reports]:
    """Reports of processes; none of them outlives the test."""
    found = Reports(tmp_path / "reports")
    yield found
    found.close()


@pytest.fixture
def stubborn(reports: Reports) -> tuple[str, ...]:
    """The command of a server that is hard to end."""
    return stubborn_command(reports)
