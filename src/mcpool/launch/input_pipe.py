"""Our end of a server's standard input: writes that never block, and an exact count of what became of them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import sys
import termios
from collections import deque
from collections.abc import Callable
from itertools import islice

_PIPE_SIZE = 1 << 20
_GROW_OVER = 65536
_PIECES_AT_ONCE = 64
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class InputPipe:
    """The write end of a pipe, on the event loop. Owns the descriptor it is given."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handle: int, on_no_reader: Callable[[], None]) -> None:
        """`on_no_reader` is called, once, when nobody can read any more what is written."""
        os.set_blocking(handle, False)
        self._loop = loop
        self._handle: int | None = handle
        self._waiting: deque[memoryview] = deque()
        self._listening = False
        self._grown = False
        self._finished = False
        self._taken_back = 0
        self._poller = select.poll()
        self._poller.register(handle, 0)
        self._on_no_reader = on_no_reader
        # The write end of a pipe is never readable; what wakes a reader of it is the error of having no other end.
        loop.add_reader(handle, self._look)
        self.sent = 0
        """Bytes that left this process, less those that were found unread when nobody could read them any more."""
        self.buffered = 0
        """Bytes that wait for room in the pipe."""

    @property
    def open(self) -> bool:
        """Whether anybody can still read what is written, asked of the system afresh."""
        return self._handle is not None and not self._has_no_reader()

    def write(self, data: bytes) -> None:
        """Send `data` after everything before it, at once as far as there is room. Nothing once the pipe is closed, or
        `finish` was called."""
        if self._handle is None or self._finished or not data:
            return
        if self._waiting:
            self._waiting.append(memoryview(data))
            self.buffered += len(data)
            return
        try:
            written = os.write(self._handle, data)
        except (BlockingIOError, InterruptedError):
            written = 0
        except OSError:
            # No reader is left (EPIPE): the exit, or the caller's look at `open`, tells the rest.
            self._drop()
            return
        self.sent += written
        if written < len(data):
            self._waiting.append(memoryview(data)[written:])
            self.buffered += len(data) - written
            self._grow()
            self._loop.add_writer(self._handle, self._on_writable)
            self._listening = True

    def finish(self) -> None:
        """Send nothing more, not even what waits: from now on `sent` does not grow. The server still sees no end."""
        self._finished = True
        self._drop()

    def settle(self) -> None:
        """After the server's exit: take back from `sent` what it provably never read, and drop what waits.

        Bytes in a pipe without any reader can't be read by anyone. While a descendant holds the read end they may yet
        be, and stay counted as sent.
        """
        if self._handle is None:
            return
        self._drop()
        if sys.platform == "linux" and self._has_no_reader():
            unread = bytearray(4)
            fcntl.ioctl(self._handle, termios.FIONREAD, unread)
            # They stay in the pipe, and are taken back once however often this is called.
            self.sent += self._taken_back
            self._taken_back = int.from_bytes(unread, sys.byteorder)
            self.sent -= self._taken_back

    def close(self) -> None:
        """Close our end: the server sees the end of its input. What waits for room is dropped. Safe to call twice."""
        if self._handle is None:
            return
        self._drop()
        self._stop_looking()
        os.close(self._handle)
        self._handle = None

    def _look(self) -> None:
        self._stop_looking()
        self._on_no_reader()

    def _stop_looking(self) -> None:
        if self._handle is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._handle)

    def _drop(self) -> None:
        self._waiting.clear()
        self.buffered = 0
        if self._listening and self._handle is not None and not self._loop.is_closed():
            self._loop.remove_writer(self._handle)
        self._listening = False

    def _on_writable(self) -> None:
        if self._handle is None:
            return
        try:
            written = os.writev(self._handle, list(islice(self._waiting, _PIECES_AT_ONCE)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop()
            return
        self.sent += written
        self.buffered -= written
        while self._waiting and written >= len(self._waiting[0]):
            written -= len(self._waiting.popleft())
        if written:
            self._waiting[0] = self._waiting[0][written:]
        if not self._waiting:
            self._drop()

    def _has_no_reader(self) -> bool:
        return any(event & _GONE for _, event in self._poller.poll(0))

    def _grow(self) -> None:
        # Only for those who need it: beyond a total per user the kernel makes every new pipe of that user tiny.
        if self._grown or self._handle is None or self.buffered < _GROW_OVER:
            return
        self._grown = True
        grow_pipe(self._handle)


def grow_pipe(handle: int) -> None:
    """Make the pipe hold 1 MiB where the system allows it."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            # The user's allowance of pipe memory is used up: it works without, only slower.
            return
