"""Reading a log while it is written and rotated: its last lines, and what is added to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

_READ = 1 << 16


def rotated(path: Path) -> Path:
    """Where the log before this one is."""
    return path.with_name(f"{path.name}.1")


class LogFile:
    """A log, which need not exist yet, read to its end and on. Lines are given whole, without their line ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._partial = b""

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def last(self, count: int) -> list[bytes]:
        """The last `count` lines, if need be with those of the log before this one. To be called first."""
        lines = [] if self._file is None else list(self._read(self._file))
        if len(lines) < count and (before := _open(rotated(self._path))) is not None:
            with closing(before):
                lines = before.read().splitlines() + lines
        return lines[-count:] if count > 0 else []

    def new(self) -> Iterator[bytes]:
        """The lines that have come since the last time."""
        if self._file is None:
            self._file = _open(self._path)
        while self._file is not None:
            # Looked for before the rest is read: nothing is added to a log any more once another has its place.
            following = self._following(self._file)
            yield from self._read(self._file)
            if following is None:
                return
            self._file.close()
            self._file = following

    def _following(self, file: BinaryIO) -> BinaryIO | None:
        """The log after this one, once there is one."""
        current = _open(self._path)
        if current is None:
            return None
        if _same(current, file):
            current.close()
            return None
        # There may have been two of them since the last look.
        between = _open(rotated(self._path))
        if between is None:
            return current
        passed_over = not _same(between, file) and _written(between) >= _written(file)
        (current if passed_over else between).close()
        return between if passed_over else current

    def _read(self, file: BinaryIO) -> Iterator[bytes]:
        while data := file.read(_READ):
            *lines, self._partial = (self._partial + data).split(b"\n")
            yield from lines


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))


def _written(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_mtime_ns
