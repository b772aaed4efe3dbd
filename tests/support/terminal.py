"""A command on a terminal of its own, and a person who reads and types there."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping

from support.mcpool_home import TIMEOUT


class Terminal:
    """`mcpool ...` on a pseudo-terminal."""

    def __init__(self, *arguments: str, environ: Mapping[str, str]) -> None:
        self._own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcpool", *arguments],
            env={**environ, "TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, pattern: str) -> str:
        """All that it has shown, as soon as that holds the pattern."""
        deadline = time.monotonic() + TIMEOUT
        while re.search(pattern, self.shown) is None:
            assert self._read(deadline), f"it ended without {pattern!r}:\n{self.shown}"
        return self.shown

    @property
    def echoes(self) -> bool:
        """Whether what one types is shown."""
        return bool(termios.tcgetattr(self._own)[3] & termios.ECHO)

    def types(self, text: str) -> None:
        """A person types this."""
        os.write(self._own, text.encode())

    def ends(self) -> int:
        """Wait until it has ended; its exit code. All that it has shown is in `shown`."""
        while self._read(time.monotonic() + TIMEOUT):
            pass
        return self.process.wait(TIMEOUT)

    def close(self) -> None:
        """End it if it has not."""
        self.process.kill()
        self.process.wait(TIMEOUT)
        os.close(self._own)

    def _read(self, deadline: float) -> bool:
        readable, _, _ = select.select([self._own], [], [], max(0.0, deadline - time.monotonic()))
        assert readable, f"nothing more came:\n{self.shown}"
        try:
            data = os.read(self._own, 65536)
        except OSError:  # nobody is at the other end any more
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
