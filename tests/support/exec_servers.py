"""Executors as real processes: our own, that of Codex where it is installed, and a cable to them that can be cut."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.mcpool_home import TIMEOUT, wait_gone
from support.ports import closed_port

CODEX = os.environ.get("MCPOOL_TEST_CODEX") or shutil.which("codex")
KINDS = [
    "mcpool",
    pytest.param(
        "codex",
        marks=pytest.mark.skipif(
            CODEX is None, reason="`codex` is not installed (npm has it, with 420 MB); MCPOOL_TEST_CODEX names it"
        ),
    ),
]


class ExecServer:
    """One executor on a port of its own, started and ended as a test wants."""

    def __init__(self, folder: Path, kind: str = "mcpool", **variables: str) -> None:
        self.kind = kind
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.port = closed_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SHELL": "/bin/sh",
            "MCPOOL_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **variables,
        }
        if kind == "mcpool":
            (self.home / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        self._process: subprocess.Popen[str] | None = None

    @property
    def token(self) -> str | None:
        """What its clients have to send."""
        return (self.home / "exec-server.token").read_text().strip() if self.kind == "mcpool" else None

    @property
    def headers(self) -> dict[str, str]:
        """The same as a header."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.close()
        if self.kind == "mcpool":
            command = [sys.executable, "-m", "mcpool", "exec-server", "--listen", str(self.port)]
            command += ["--root", str(self.root)]
        else:
            assert CODEX is not None
            command = [CODEX, "exec-server", "--listen", self.url]
        self._process = subprocess.Popen(
            command,
            env=self._environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == self.url

    def kill(self) -> None:
        """End it by `kill -9`."""
        assert self._process is not None
        self._process.kill()
        wait_gone(self._process.pid)

    def stop(self) -> None:
        """Have it stand still, and wait until it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        """The opposite."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> int:
        """End it in good order; returns its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(TIMEOUT)

    def close(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(TIMEOUT)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


class Cable:
    """A port that leads to another one, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._lines: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.passed = 0
        """Bytes that came back so far."""
        self.cut_after: int | None = None
        """Cut it when so many have."""
        self.cuts = 0

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"ws://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Lose all connections, with what is on its way."""
        self.cuts += 1
        for line in self._lines:
            line.transport.abort()
        self._lines.clear()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._lines |= {writer, back}
        await asyncio.gather(self._pass(reader, back, False), self._pass(there, writer, True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool) -> None:
        try:
            while data := await reader.read(65536):
                if counted:
                    self.passed += len(data)
                    if self.cut_after is not None and self.passed >= self.cut_after:
                        self.cut_after = None
                        self.cut()
                        return
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.transport.abort()


@asynccontextmanager
async def cable(port: int) -> AsyncGenerator[Cable]:
    """A cable to a port of this machine."""
    made = Cable(port)
    server = await asyncio.start_server(made._take, "127.0.0.1", 0)  # pyright: ignore[reportPrivateUsage]
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await server.wait_closed()
