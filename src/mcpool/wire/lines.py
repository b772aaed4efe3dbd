"""Bytes to lines, linear in size, with a limit that costs the one message that breaks it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE = 4096
_CRUMB = 1024
"""Pieces below so many bytes are gathered: an object for each would cost many times what it holds."""


@dataclass(frozen=True, slots=True)
class Oversize:
    """A line over the limit, of which only both ends were kept."""

    head: bytes
    tail: bytes
    size: int


class Lines:
    """Collects chunks of any size into lines of at most `limit` bytes."""

    __slots__ = ("_limit", "_parts", "_size", "_tail")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes | bytearray] = []
        self._size = 0
        self._tail: bytes | None = None

    def feed(self, data: bytes) -> list[bytes | Oversize]:
        """The lines that end in this chunk, in order. The last may carry its line end."""
        if not self._size and 0 < len(data) <= self._limit and data.find(b"\n") == len(data) - 1:
            return [data]
        first, *others = data.split(b"\n")
        self._keep(first)
        if not others:
            return []
        *complete, rest = others
        lines: list[bytes | Oversize] = [self._take(), *complete]
        if len(data) > self._limit:
            lines = self._measured(lines)
        self._keep(rest)
        return lines

    def finish(self) -> bytes | None:
        """What came after the last line end, if it is not too large."""
        rest = self._take()
        return rest if isinstance(rest, bytes) and rest else None

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._tail is not None:
            self._tail = (self._tail + piece[-SAMPLE:])[-SAMPLE:]
            return
        if len(piece) >= _CRUMB:
            self._parts.append(piece)
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += piece
        else:
            self._parts.append(bytearray(piece))
        if self._size > self._limit:
            whole = b"".join(self._parts)
            self._parts = [whole[:SAMPLE]]
            self._tail = whole[-SAMPLE:]

    def _take(self) -> bytes | Oversize:
        parts, size, tail = self._parts, self._size, self._tail
        self._parts, self._size, self._tail = [], 0, None
        if tail is not None:
            return Oversize(bytes(parts[0]), tail, size)
        return b"".join(parts)

    def _measured(self, lines: list[bytes | Oversize]) -> list[bytes | Oversize]:
        return [
            Oversize(line[:SAMPLE], line[-SAMPLE:], len(line))
            if isinstance(line, bytes) and len(line) > self._limit
            else line
            for line in lines
        ]
