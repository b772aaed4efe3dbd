"""The lasting server as tests meet it: what it has done in all its lives, and ways to end the current one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.mcpool_home import TIMEOUT, wait_gone
from support.ports import closed_port

_PROGRAM = str(Path(__file__).with_name("lasting_server.py"))


class Lasting:
    """One server on stdio, which mcpool starts; over HTTP the test does (`serve`)."""

    def __init__(self, folder: Path, name: str = "lasting") -> None:
        self.record = folder / f"{name}.record"
        self.port = closed_port()
        self._served: subprocess.Popen[str] | None = None

    @property
    def entry(self) -> dict[str, Any]:
        """Its configuration, on stdio."""
        args = ["-I", "-S", _PROGRAM, str(self.record)]
        return {"command": sys.executable, "args": args, "cwd": "/", "startup_timeout_sec": 20}

    @property
    def http_entry(self) -> dict[str, Any]:
        """Its configuration, over HTTP."""
        return {"url": f"http://127.0.0.1:{self.port}/mcp", "scope": "shared"}

    # ------------------------------------------------------------------ what it has done

    def lines(self, first: str) -> list[list[str]]:
        """All lines that begin with this word."""
        if not self.record.exists():
            return []
        split = (line.split() for line in self.record.read_text().splitlines())
        return [words for words in split if words and words[0] == first]

    @property
    def starts(self) -> int:
        """How many processes it has had."""
        return len(self.lines("start"))

    def count(self, method: str) -> int:
        """How many requests of this method any process received."""
        return len(self.lines(method))

    def ran(self, number: int) -> int:
        """How often the call of this number was executed."""
        return sum(words[2:] == [str(number)] for words in self.lines("tools/call"))

    # ------------------------------------------------------------------ ending it

    @property
    def pid(self) -> int:
        """The newest process."""
        return int(self.lines("start")[-1][1])

    def kill(self) -> int:
        """End the newest process by `kill -9`, and wait until the kernel has closed its pipes; returns its pid."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        if self._served is not None:
            self._served.wait(TIMEOUT)
        return pid

    # ------------------------------------------------------------------ over HTTP

    def serve(self) -> None:
        """Start a process that serves HTTP, and wait until it does."""
        assert self._served is None or self._served.poll() is not None, "it serves already"
        self.close()
        command = [sys.executable, "-I", "-S", _PROGRAM, str(self.record), str(self.port)]
        self._served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._served.stdout is not None
        assert self._served.stdout.readline() == "ready\n"

    def restart(self) -> None:
        """End the one that serves HTTP, and start another on the same port."""
        self.kill()
        self.serve()

    def close(self) -> None:
        """End what `serve` started."""
        if self._served is not None:
            self._served.kill()
            self._served.wait(TIMEOUT)
            assert self._served.stdout is not None
            self._served.stdout.close()
            self._served = None
