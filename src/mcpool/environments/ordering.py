"""The events of one process in order, each once, however often its socket was lost. Pure.

Output, exit and end of a process are numbered together, without gaps. What is announced may be lost with a socket, or
overtaken by what is asked for after it; what is asked for names pieces of output by their number, and of the rest tells
only that it happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcpool.environments.protocol import Events, Stream

MOST_AHEAD = 32 * 1024 * 1024
"""Bytes that may wait for what comes before them."""

_OVERHEAD = 128
_GONE = "the executor no longer has what it wrote while the connection was lost"


@dataclass(frozen=True, slots=True)
class Piece:
    """Output."""

    stream: Stream
    data: bytes


@dataclass(frozen=True, slots=True)
class Exit:
    """The process ended."""

    status: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more comes."""


Event = Piece | Exit | End


class OutputLost(Exception):
    """Something that a process wrote can't be had any more, so what it writes from now on is of no use."""


class Ordering:
    """Takes events in any order and gives those that are next."""

    def __init__(self) -> None:
        self.last = 0
        """The number of the last event that was given."""
        self._ahead: dict[int, Event] = {}
        self._bytes = 0
        self._exited = False

    def take(self, seq: int, event: Event) -> list[Event]:
        """Events that are next, now that this one is known. Raises: OutputLost, if too much waits."""
        self._put(seq, event)
        return self._next()

    def recover(self, told: Events) -> list[Event]:
        """The same, by what was asked for after a loss. Raises: OutputLost, if something is missing."""
        target = told.next_seq - 1
        for chunk in told.chunks:
            self._put(chunk.seq, Piece(chunk.stream, chunk.chunk))
        if target - self.last > len(self._ahead) + 2:
            raise OutputLost(_GONE)
        if target > self.last:
            missing = [seq for seq in range(self.last + 1, target + 1) if seq not in self._ahead]
            if told.closed and missing and missing[-1] == target:
                missing.pop()
                self._put(target, End())
            if told.exited and not self._exited and len(missing) == 1:
                self._put(missing.pop(), Exit(told.exit_code if told.exit_code is not None else -1))
            if missing:
                raise OutputLost(_GONE)
        return self._next()

    def _put(self, seq: int, event: Event) -> None:
        if seq <= self.last or seq in self._ahead:
            return
        self._ahead[seq] = event
        self._exited = self._exited or isinstance(event, Exit)
        self._bytes += _size(event)
        if self._bytes > MOST_AHEAD:
            raise OutputLost("what it wrote before is missing")

    def _next(self) -> list[Event]:
        found: list[Event] = []
        while (event := self._ahead.pop(self.last + 1, None)) is not None:
            self.last += 1
            found.append(event)
            self._bytes -= _size(event)
        return found


def _size(event: Event) -> int:
    """What it takes to keep it: of nothing at all there could be any number."""
    return _OVERHEAD + (len(event.data) if isinstance(event, Piece) else 0)
