"""What one event stream of a client still has to carry, and what it carried already, for a client that resumes it.

Putting a message in never waits: a client that reads slowly costs memory up to a limit, and nobody else anything. Over
the limit progress keeps its latest, log lines are dropped and counted, and if that is not enough the stream closes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import Final

from mcpool.gateway.limits import Limits
from mcpool.gateway.message import notification_message
from mcpool.gateway.names import LOG
from mcpool.wire.envelope import encode_json


class Kind(Enum):
    """What may become of a message that the client does not read."""

    ANSWER = "answer"
    """Kept whatever its size; ends nothing by itself."""
    QUESTION = "question"
    OTHER = "other"
    LATEST = "latest"
    """A later message of the same subject takes its place: progress, list_changed."""
    LOG = "log"


_RETRY: Final = 1000
"""Milliseconds after which a client that lost its stream should come back."""
_DROPPABLE: Final = frozenset({Kind.LATEST, Kind.LOG})


class _Item:
    __slots__ = ("frame", "kind", "sequence", "subject")

    def __init__(self, sequence: int, kind: Kind, frame: bytes, subject: object) -> None:
        self.sequence = sequence
        self.kind = kind
        self.frame = frame
        self.subject = subject


class Outbox:
    """One event stream. `name` makes its events resumable; without a name they have no ids and are not kept."""

    def __init__(self, limits: Limits, name: str | None = None) -> None:
        self.name = name
        self.dropped = 0
        """Messages that were left out because the client did not read."""
        self.overflowed = False
        """More was waiting than the limit allows: the stream has to be closed."""
        self.ended = False
        """Nothing will be put in any more."""
        self.reader: asyncio.Task[None] | None = None
        """Who takes from it: one connection at a time."""
        self._limits = limits
        self._waiting: deque[_Item] = deque()
        self._sent: deque[_Item] = deque()
        self._latest: dict[object, _Item] = {}
        self._waiting_bytes = 0
        self._sent_bytes = 0
        self._sequence = 0
        self._told_dropped = 0
        self._wake = asyncio.Event()

    @property
    def bytes_kept(self) -> int:
        """What this stream holds in memory."""
        return self._waiting_bytes + self._sent_bytes

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def prime(self) -> None:
        """Begin with an empty event, whose id lets the client resume before anything was said."""
        self._sequence += 1
        frame = b"id: %b-%d\nretry: %d\ndata:\n\n" % ((self.name or "").encode(), self._sequence, _RETRY)
        self._append(_Item(self._sequence, Kind.OTHER, frame, None))

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Add a message; `message` is one line of JSON."""
        if self.ended or (self.overflowed and kind is not Kind.ANSWER):
            return
        if kind is Kind.LATEST:
            pending = self._latest.get(subject)
            if pending is not None:
                frame = self._frame(pending.sequence, message)
                self._waiting_bytes += len(frame) - len(pending.frame)
                pending.frame = frame
                return
        if kind in _DROPPABLE:
            if self._is_full(len(message)):
                self.dropped += 1
                return
        elif self._is_full():
            self._drop_logs()
            if self._is_full():
                self._overflow()
        if self.dropped > self._told_dropped:
            self._tell_dropped()
        self._sequence += 1
        item = _Item(self._sequence, kind, self._frame(self._sequence, message), subject)
        if kind is Kind.LATEST:
            self._latest[subject] = item
        self._append(item)

    def end(self) -> None:
        """Nothing more comes: once what waits was taken, the stream is complete."""
        self.ended = True
        self._wake.set()

    def take(self) -> bytes:
        """Everything that waits, as bytes of the stream; empty if nothing does."""
        if not self._waiting:
            return b""
        chunk = b"".join([item.frame for item in self._waiting])
        if self.name is not None:
            self._keep()
        self._waiting.clear()
        self._latest.clear()
        self._waiting_bytes = 0
        return chunk

    async def wait(self, timeout: float) -> bool:
        """Wait until there is something to take or the stream has ended; False after `timeout` seconds of nothing."""
        if self._waiting or self.ended or self.overflowed:
            return True
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def rewind(self, sequence: int) -> None:
        """Have everything after that event taken once more, as far as it is still kept."""
        again = [item for item in self._sent if item.sequence > sequence]
        self._waiting.extendleft(reversed(again))
        self._waiting_bytes += sum(len(item.frame) for item in again)
        self._sent.clear()
        self._sent_bytes = 0
        self.overflowed = False
        self._wake.set()

    def _drop_logs(self) -> None:
        """Make room for what may not be dropped."""
        kept = [item for item in self._waiting if item.kind is not Kind.LOG]
        self.dropped += len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        self._waiting_bytes = sum(len(item.frame) for item in kept)

    def _overflow(self) -> None:
        self.overflowed = True
        if self.reader is not None:
            # It waits for a client that does not read, perhaps for ever.
            self.reader.cancel()

    def _append(self, item: _Item) -> None:
        self._waiting.append(item)
        self._waiting_bytes += len(item.frame)
        self._wake.set()

    def _is_full(self, coming: int = 0) -> bool:
        """What may not be dropped is not counted itself: an answer of any size can be given to a client that reads."""
        return bool(self._waiting) and (
            len(self._waiting) >= self._limits.backlog_messages
            or self._waiting_bytes + coming > self._limits.backlog_bytes
        )

    def _keep(self) -> None:
        for item in self._waiting:
            self._sent.append(item)
            self._sent_bytes += len(item.frame)
        while self._sent_bytes > self._limits.history_bytes and self._sent[0].kind is not Kind.ANSWER:
            self._sent_bytes -= len(self._sent.popleft().frame)

    def _tell_dropped(self) -> None:
        lost = self.dropped - self._told_dropped
        self._told_dropped = self.dropped
        text = f"{lost} messages were left out because this client reads too slowly"
        self._sequence += 1
        params = encode_json({"level": "warning", "logger": "mcpool", "data": text})
        message = notification_message(LOG, params)
        self._append(_Item(self._sequence, Kind.LOG, self._frame(self._sequence, message), None))

    def _frame(self, sequence: int, message: bytes) -> bytes:
        if self.name is None:
            return b"event: message\ndata: %b\n\n" % message
        return b"event: message\nid: %b-%d\ndata: %b\n\n" % (self.name.encode(), sequence, message)


def parse_event_id(value: bytes) -> tuple[str, int] | None:
    """The stream's name and the event's number in a `Last-Event-ID`; None if it is none of ours."""
    name, separator, number = value.rpartition(b"-")
    if not separator or not name.isalnum() or not number.isdigit() or len(number) > 18:
        return None
    return name.decode("ascii"), int(number)
