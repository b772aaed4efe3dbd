"""Writes to a link, joined where many come at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcpool.wire.link import Link


class Outbox:
    """Sends the first line since the server last spoke at once, and joins those that follow in the same loop turn.

    A caller in lock-step thus pays for one write and nothing else, and sixty-four callers share two.
    """

    __slots__ = ("_joining", "_loop", "_refused", "_waiting", "free", "link", "offset")

    def __init__(self, loop: asyncio.AbstractEventLoop, refused: Callable[[int], None]) -> None:
        """`refused` is told when lines that waited met a dead link: all that begin at this offset were never sent."""
        self._loop = loop
        self._refused = refused
        self._waiting: list[bytes] = []
        self._joining = False
        self.link: Link | None = None
        self.free = True
        """Whether the next line goes out at once; set whenever the server spoke. Who sends then looks at `link.alive`
        before: for lines that wait, this looks when their turn comes."""
        self.offset = 0
        """Bytes accepted so far: where the last line ends in the stream."""

    def send(self, line: bytes) -> int:
        """Send a line, and say where it ends in the stream."""
        link = self.link
        if self.free and link is not None and not self._joining:
            self.free = False
            link.write(line)
        else:
            self._waiting.append(line)
            if not self._joining:
                self._joining = True
                self._loop.call_soon(self.flush)
        self.offset += len(line)
        return self.offset

    def flush(self) -> None:
        """Hand over what waits."""
        self._joining = False
        self.free = True
        if self.link is None or not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        if self.link.alive:
            self.link.write(data)
        else:
            self.offset -= len(data)
            self._refused(self.offset)

    def drop(self) -> None:
        """Forget what waits: there is nobody to send it to."""
        self.offset -= sum(map(len, self._waiting))
        self._waiting.clear()

    def provably_unsent(self, end: int) -> bool:
        """Whether a line that ends here cannot have been read as a whole.

        A line complete but for its line end counts as sent: at end of stream some readers take it.
        """
        return self.link is None or self.link.sent < end - 1
