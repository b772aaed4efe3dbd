"""A home of its own with the real command line in it, and ways to wait for its daemon without sleeping."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit

TIMEOUT = 60.0
"""Seconds after which a test gives up; nothing should come near it."""

DEMO = f"""\
[daemon]
port = 0

[mcp_servers.demo]
command = "{sys.executable}"
args = ["-m", "mcpool.demo"]
"""


def wait_gone(pid: int) -> None:
    """Wait until a process, a child or not, has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        readable, _, _ = select.select([fd], [], [], TIMEOUT)
        assert readable, f"process {pid} did not end"
    finally:
        os.close(fd)


class Up:
    """A running `mcpool up`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        """Its output up to the line that contains `text`, all of it so far."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return "".join(self.lines)
        raise AssertionError(f"it ended without saying {text!r}:\n{''.join(self.lines)}")

    def ready(self) -> str:
        """Everything it says until it is ready."""
        return self.read_until("Ctrl-C ends it")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


class McpoolHome:
    """`$MCPOOL_HOME`, and the command line that uses it."""

    def __init__(self, path: Path, *, config: str | None = DEMO) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.environ = {**os.environ, "MCPOOL_HOME": str(path)}
        self._processes: list[subprocess.Popen[Any]] = []
        if config is not None:
            self.configure(config)

    def configure(self, text: str) -> None:
        """Write config.toml."""
        (self.path / "config.toml").write_text(text)

    def configure_servers(self, **servers: Mapping[str, Any]) -> None:
        """Write config.toml with these servers and any free port."""
        self.configure(tomlkit.dumps({"daemon": {"port": 0}, "mcp_servers": servers}))

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Nobody is at a terminal."""
        return subprocess.run(
            self._command(*arguments),
            env=self.environ,
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command, with pipes."""
        process = subprocess.Popen(
            self._command(*arguments),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def up(self, *arguments: str) -> Up:
        """Start `mcpool up` in the foreground."""
        process = subprocess.Popen(
            self._command("up", *arguments),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return Up(process)

    def status(self) -> dict[str, Any]:
        """`mcpool status --json` of a daemon that must run."""
        done = self.run("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def pids(self) -> list[int]:
        """The processes of the servers."""
        return [row["pid"] for row in self.status()["servers"] if row["pid"]]

    def record(self) -> dict[str, Any]:
        """`daemon.json`."""
        return json.loads((self.path / "daemon.json").read_text())

    def port(self) -> int:
        """Where the running daemon listens."""
        return int(self.record()["endpoint"].rpartition(":")[2].partition("/")[0])

    def token(self) -> str:
        """The default token."""
        return (self.path / "tokens" / "default").read_text()

    def kill(self) -> int:
        """`kill -9` of the daemon; returns its pid when it is gone."""
        pid = self.record()["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        return pid

    def close(self) -> None:
        """End the daemon and whatever was started in the foreground."""
        self.run("stop")
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(TIMEOUT)
            for file in (process.stdin, process.stdout, process.stderr):
                if file is not None:
                    file.close()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mcpool", *arguments]
