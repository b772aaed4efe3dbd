"""Our end of a server's standard output or error, read by the event loop in chunks that grow with the traffic."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import Callable

from mcpool.launch.input_pipe import grow_pipe

_SMALL = 65536
_TOO_LONG = 0.05
"""Seconds of work on one read after which the next one is small: a flood of tiny messages is costly by the byte."""


class OutputPipe:
    """The read end of a pipe, on the event loop. Owns the descriptor it is given."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handle: int,
        on_bytes: Callable[[bytes], None],
        on_eof: Callable[[], None],
        *,
        largest: int = 1 << 20,
    ) -> None:
        """`largest` bounds the bytes of one read, and with them how long the receiver can keep the loop."""
        os.set_blocking(handle, False)
        self._loop = loop
        self._handle: int | None = handle
        self._on_bytes = on_bytes
        self._on_eof = on_eof
        self._size = _SMALL
        self._largest = max(largest, _SMALL)
        self._grown = False
        loop.add_reader(handle, self._on_readable)

    def drain(self) -> None:
        """Deliver at once what is in the pipe now; what is written from now on may stay unread.

        A descendant that goes on writing can therefore keep nobody here.
        """
        left = self._in_pipe()
        while left > 0 and (received := self._read(max(left, _SMALL))):
            left -= received
        if self._handle is not None:
            # Once more, for the end of the stream: there is nothing else to read unless a descendant still writes.
            self._read(_SMALL)

    def pause(self) -> None:
        """Read no more until `resume`: the server waits once the pipe is full."""
        if self._handle is not None:
            self._loop.remove_reader(self._handle)

    def resume(self) -> None:
        """Read again."""
        if self._handle is not None:
            self._loop.add_reader(self._handle, self._on_readable)

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        if self._handle is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _on_readable(self) -> None:
        begun = self._loop.time()
        received = self._read(self._size)
        if self._loop.time() - begun > _TOO_LONG:
            self._size = _SMALL
        elif received == self._size:
            # One event is one read, so a flood from one server leaves the others their turn.
            self._size = self._largest
            if self._size > _SMALL and not self._grown and self._handle is not None:
                self._grown = True
                grow_pipe(self._handle)
        elif received < _SMALL:
            self._size = _SMALL

    def _read(self, size: int) -> int:
        if self._handle is None:
            return 0
        try:
            data = os.read(self._handle, size)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            data = b""
        if data:
            self._on_bytes(data)
        else:
            self.close()
            self._on_eof()
        return len(data)

    def _in_pipe(self) -> int:
        if self._handle is None:
            return 0
        count = bytearray(4)
        fcntl.ioctl(self._handle, termios.FIONREAD, count)
        return int.from_bytes(count, sys.byteorder)
