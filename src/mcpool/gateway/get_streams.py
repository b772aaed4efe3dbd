"""The event streams that a handshake client opened by GET, for what belongs to no request of its own."""

from __future__ import annotations

from collections.abc import Callable

from mcpool.gateway.failure import Refusal
from mcpool.gateway.http import Receive, Send
from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Kind, Outbox
from mcpool.gateway.pump import serve
from mcpool.gateway.replay import ReplayStore


class GetStreams:
    """The outlet of a handshake session over HTTP. A message goes to one stream, the newest that is open.

    While none is open messages wait, within limits, for the next.
    """

    def __init__(self, limits: Limits, replay: ReplayStore) -> None:
        self._limits = limits
        self._replay = replay
        self._open: list[Outbox] = []
        self._spare: Outbox | None = None

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Send it, or keep it for the next stream."""
        if self._open:
            self._open[-1].put(kind, message, subject)
            return
        if self._spare is None or self._spare.overflowed:
            self._spare = Outbox(self._limits, self._replay.next_name("g"))
        self._spare.put(kind, message, subject)

    async def serve(self, receive: Receive, send: Send, resumed: Outbox | None, opened: Callable[[], None]) -> None:
        """Serve one GET until it ends. `resumed` is the stream that the client wants to go on with."""
        outbox = resumed or self._take_spare()
        if outbox not in self._open:
            if len(self._open) >= self._limits.get_streams:
                raise Refusal(409, f"{len(self._open)} event streams of this session are open already")
            self._open.append(outbox)
        if outbox is self._spare:
            self._spare = None
        self._replay.hold(outbox)
        opened()
        try:
            await serve(outbox, receive, send, self._limits)
        finally:
            if outbox.reader is None:
                self._open.remove(outbox)
                if self._spare is None or self._spare.is_empty:
                    self._spare = outbox
                self._replay.give_up(outbox)

    def end(self) -> None:
        """Complete all streams: the session has ended."""
        for outbox in self._open:
            outbox.end()

    def _take_spare(self) -> Outbox:
        if self._spare is not None and not self._spare.overflowed:
            return self._spare
        return Outbox(self._limits, self._replay.next_name("g"))
