"""`daemon.json`: what others may know of the running daemon, there exactly while it is ready."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DaemonRecord:
    """How to reach a daemon, and what it was told at its start."""

    pid: int
    version: str
    endpoint: str
    socket: str
    token_file: str
    started: float
    """Seconds since the epoch."""
    config: str | None = None
    """The configuration it was given in place of the home's own."""
    port: int | None = None
    """The port it was told to use in place of the configured one."""

    def write(self, home: Path) -> None:
        """Put it in place, whole or not at all, readable for the user alone."""
        temporary = home / f".daemon.json.{self.pid}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
            file.write("\n")
        temporary.replace(home / "daemon.json")

    def remove(self, home: Path) -> None:
        """Take it away, unless it is another daemon's by now."""
        found = read_record(home)
        if found is not None and found.pid == self.pid:
            with suppress(FileNotFoundError):
                (home / "daemon.json").unlink()


def read_record(home: Path) -> DaemonRecord | None:
    """The record of the daemon that runs, or that was killed; None if there is none that can be read."""
    try:
        content = json.loads((home / "daemon.json").read_text(encoding="utf-8"))
        names = {field.name for field in fields(DaemonRecord)}
        return DaemonRecord(**{name: value for name, value in content.items() if name in names})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
