"""The shim's end towards its client: lines from stdin, bytes to stdout. Standard library only."""

from __future__ import annotations

import os
import stat
from collections import deque

STDIN, STDOUT = 0, 1
CHUNK = 256 * 1024
LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of a client's message beyond which it is passed on in pieces and unread; the daemon refuses it."""

_SURELY_FREE = 4096
"""What a pipe that is ready takes without blocking (PIPE_BUF)."""


class Line:
    """A complete line of the client, or a piece of one that is too long to be looked at."""

    __slots__ = ("data", "whole")

    def __init__(self, data: bytes, *, whole: bool = True) -> None:
        self.data = data
        self.whole = whole


class ClientEnd:
    """Buffers what goes out, joins what comes in to lines. Whoever polls decides when to read and write."""

    def __init__(self) -> None:
        self.done = False
        """Has the client closed its end?"""
        self.size = 0
        """Bytes that wait for the client to read."""
        self._outgoing: deque[bytes] = deque()
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._oversized = False
        self._was_blocking = True

    def open(self) -> None:
        """Make writing non-blocking where nobody else would notice: a terminal or a file is shared with others."""
        self._was_blocking = os.get_blocking(STDOUT)
        mode = os.fstat(STDOUT).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.set_blocking(STDOUT, False)

    def close(self) -> None:
        """Leave stdout as it was found."""
        os.set_blocking(STDOUT, self._was_blocking)

    def read(self) -> list[Line]:
        """Read once from a stdin that is ready."""
        try:
            data = os.read(STDIN, CHUNK)
        except BlockingIOError:
            return []
        if not data:
            self.done = True
            return [self._complete(b"\n")] if self._partial else []
        *complete, rest = data.split(b"\n")
        lines = [self._complete(piece + b"\n") for piece in complete]
        if rest:
            self._partial.append(rest)
            self._partial_size += len(rest)
        if self._partial_size > LINE_LIMIT:
            lines.append(self._complete(b"", whole=False))
            self._oversized = True
        return lines

    def _complete(self, piece: bytes, *, whole: bool = True) -> Line:
        line = Line(b"".join([*self._partial, piece]), whole=whole and not self._oversized)
        self._partial, self._partial_size, self._oversized = [], 0, False
        return line

    def give(self, data: bytes) -> None:
        """Queue bytes for the client."""
        self._outgoing.append(data)
        self.size += len(data)

    def write(self) -> None:
        """Write once to a stdout that is ready.

        Raises:
            BrokenPipeError: the client no longer reads.
        """
        data = self._outgoing[0]
        if len(data) < _SURELY_FREE and len(self._outgoing) > 1:
            data = b"".join(self._outgoing)
            self._outgoing = deque([data])
        limit = _SURELY_FREE if os.get_blocking(STDOUT) else CHUNK
        try:
            written = os.write(STDOUT, memoryview(data)[:limit])
        except BlockingIOError:
            return
        self.size -= written
        if written == len(data):
            self._outgoing.popleft()
        else:
            self._outgoing[0] = data[written:]
