"""One process that runs for a client, and what it did, numbered, for as long as the client may ask for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from mcpool.environments import protocol
from mcpool.environments.protocol import Chunk, Closed, Events, Exited, Output, Read, Stream
from mcpool.wire.link import Link

RETAINED = 8 * 1024 * 1024
"""Bytes of output that are kept: more than can be on its way in a socket when that is lost."""
UNHEARD = 1024 * 1024
"""Bytes of output that may gather while nobody listens; then the process has to wait."""
MOST_INPUT = 64 * 1024 * 1024
"""Bytes of input that may wait for a process that does not read."""
WRITES_KNOWN = 256


class PausableLink(Link, Protocol):
    """A link whose process can be let wait with its output."""

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        ...

    def resume_reading(self) -> None:
        """Read again."""
        ...


class HostedProcess:
    """A `Sink` of one process. `announce` sends to the client if there is one just now."""

    def __init__(
        self, id: str, announce: Callable[[bytes], None], heard: Callable[[], bool], on_ended: Callable[[], None]
    ) -> None:
        """`heard`: whether there is a client that keeps up."""
        self.id = id
        self.link: PausableLink | None = None
        self._announce = announce
        self._heard = heard
        self._on_ended = on_ended
        self._output: deque[Chunk] = deque()
        self._retained = 0
        self._unheard = 0
        self._paused = False
        self._next_seq = 1
        self._exit_code: int | None = None
        self._closed = False
        self._writes: OrderedDict[str, None] = OrderedDict()
        self._happened = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether it has exited."""
        return self._exit_code is not None

    def read(self, asked: Read) -> Events:
        """What it did after the event of that number, as far as it is kept and fits."""
        chunks: list[Chunk] = []
        room = asked.max_bytes
        for chunk in self._output:
            if chunk.seq <= (asked.after_seq or 0):
                continue
            if room is not None and chunks and len(chunk.chunk) > room:
                return Events(tuple(chunks), chunk.seq, self.ended, self._exit_code, self._closed)
            chunks.append(chunk)
            room = None if room is None else room - len(chunk.chunk)
        return Events(tuple(chunks), self._next_seq, self.ended, self._exit_code, self._closed)

    async def read_later(self, asked: Read, seconds: float) -> Events:
        """The same, when there is something, or after so long."""
        self._happened.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._happened.wait()
        return self.read(asked)

    def write(self, data: bytes, write_id: str) -> str:
        """Give it input, once for each id; returns what became of it (`protocol.Written`)."""
        if write_id and write_id in self._writes:
            return "accepted"  # also of one that has ended since: it may have read it
        if self.link is None or not self.link.alive:
            return "stdinClosed"
        if self.link.buffered + len(data) > MOST_INPUT:
            return "stdinClosed"  # it does not read, and nobody shall wait for that with ever more memory
        if write_id:
            self._writes[write_id] = None
            if len(self._writes) > WRITES_KNOWN:
                self._writes.popitem(last=False)
        self.link.write(data)
        return "accepted"

    def look_again(self) -> None:
        """Whether anybody listens has changed."""
        self._unheard = 0
        self._wait_or_go_on()

    # ------------------------------------------------------------------ Sink

    def on_bytes(self, data: bytes) -> None:
        """It wrote to its standard output."""
        self._took("stdout", data)

    def on_stderr(self, data: bytes) -> None:
        """It wrote to its standard error."""
        self._took("stderr", data)

    def on_eof(self) -> None:
        """It closed its standard output: this protocol has no word for that."""

    def on_exit(self, status: int | None) -> None:
        """It ended, and everything that it wrote was delivered."""
        # As shells do it: a signal is told by a number above 128.
        code = -1 if status is None else 128 - status if status < 0 else status
        self._exit_code = code
        self._announce(protocol.notification(protocol.EXITED, Exited(self.id, self._number(), code)))
        self._closed = True
        self._announce(protocol.notification(protocol.CLOSED, Closed(self.id, self._number())))
        self._on_ended()

    # ------------------------------------------------------------------

    def _took(self, stream: Stream, data: bytes) -> None:
        seq = self._number()
        self._output.append(Chunk(seq, stream, data))
        self._retained += len(data)
        while self._retained > RETAINED and len(self._output) > 1:
            self._retained -= len(self._output.popleft().chunk)
        self._announce(protocol.notification(protocol.OUTPUT, Output(self.id, seq, stream, data)))
        self._unheard += len(data)
        self._wait_or_go_on()

    def _number(self) -> int:
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        self._happened.set()
        return seq

    def _wait_or_go_on(self) -> None:
        if self._heard():
            self._unheard = 0
        wait = self._unheard > UNHEARD
        if self.link is None or wait == self._paused:
            return
        self._paused = wait
        if wait:
            self.link.pause_reading()
        else:
            self.link.resume_reading()
