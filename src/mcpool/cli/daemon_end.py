"""The shim's end towards the daemon: one connection, the lines that wait for it, and where its lines begin and end.

Standard library only.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mcpool.cli.client_end import CHUNK
from mcpool.cli.memory import HEAD
from mcpool.rendezvous import Joined

_MARK = b'{"mcpool"'
"""How a line begins that is said to the shim and not to its client."""


class Outgoing(NamedTuple):
    """A line for the daemon; `key` tells which request it is, if it is one."""

    line: bytes
    key: str | None


class DaemonEnd:
    """What was not sent when one connection is lost waits here for the next."""

    def __init__(
        self, give: Callable[[bytes], None], passed: Callable[[bytes], None], heed: Callable[[dict[str, object]], None]
    ) -> None:
        """`give` takes bytes for the client, `passed` the head of each line that has passed completely, `heed` what is
        said to the shim itself."""
        self._give = give
        self._passed = passed
        self._heed = heed
        self.sock: socket.socket | None = None
        self.waiting: deque[Outgoing] = deque()
        self.size = 0
        """Bytes that wait for the daemon to read."""
        self._sent: int = 0
        self._head: bytearray = bytearray()
        self._held: bytes = b""
        self._interjected: list[bytes] = []

    @property
    def amid_line(self) -> bool:
        """Has the client been given the beginning of a line, but not yet its end?"""
        return bool(self._head)

    @property
    def unsent(self) -> set[str]:
        """The keys of the requests that wait."""
        return {item.key for item in self.waiting if item.key is not None}

    def attach(self, joined: Joined) -> None:
        """Go on over this connection."""
        self.sock = joined.sock
        self.sock.setblocking(False)
        self.take(joined.rest)

    def detach(self) -> None:
        """The connection is lost. A line sent in part counts as not sent: the daemon can't have acted on it."""
        if self.sock is not None:
            self.sock.close()
        self.sock = None
        self._sent = 0
        self._held = b""
        if self._head:
            # Broken off half-way: end the line, so that the error that follows stands on one of its own.
            self._give(b"\n")
            self._line_ended()

    def interject(self, line: bytes) -> None:
        """Give the client a line that the daemon did not write, as soon as none of the daemon's is under way."""
        self._interjected.append(line)
        if not self._head:
            self._line_ended()

    def _line_ended(self) -> None:
        self._head.clear()
        for line in self._interjected:
            self._give(line)
        self._interjected.clear()

    def queue(self, line: bytes, key: str | None) -> None:
        """Send a line after all others."""
        self.waiting.append(Outgoing(line, key))
        self.size += len(line)

    def queue_first(self, lines: Iterable[Outgoing]) -> None:
        """Send these before all others. Only while detached."""
        for item in reversed([*lines]):
            self.waiting.appendleft(item)
            self.size += len(item.line)

    def drop_all(self) -> None:
        """Forget what waits."""
        self.waiting.clear()
        self.size = 0

    def write(self, sock: socket.socket) -> bool:
        """Send as much as the socket takes; False when the connection turns out to be lost."""
        while self.waiting:
            line = self.waiting[0].line
            try:
                self._sent += sock.send(memoryview(line)[self._sent :])
            except BlockingIOError:
                return True
            except OSError:
                # What the daemon wrote before it died is still there, and may answer what would count as lost.
                while self.read(sock):
                    pass
                return False
            if self._sent == len(line):
                self._sent = 0
                self.size -= len(line)
                self.waiting.popleft()
        return True

    def read(self, sock: socket.socket) -> bool:
        """Read once; False when the connection is lost, or (after a failed write) has nothing more to say."""
        try:
            data = sock.recv(CHUNK)
        except OSError:
            return False
        self.take(data)
        return bool(data)

    def take(self, data: bytes) -> None:
        """Pass the daemon's bytes on, noting where lines begin and end, and keeping back what is said to the shim."""
        data = self._held + data
        self._held = b""
        start = 0
        while start < len(data):
            newline = data.find(b"\n", start)
            end = len(data) if newline < 0 else newline + 1
            piece = data[start:end]
            if not self._head and (_MARK.startswith(piece) or piece.startswith(_MARK)):
                if newline < 0:
                    self._held = piece
                    return
                self._heed(json.loads(piece))
            else:
                self._head += piece[: HEAD - len(self._head)]
                self._give(piece)
                if newline >= 0:
                    self._passed(bytes(self._head))
                    self._line_ended()
            start = end
