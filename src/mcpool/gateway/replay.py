"""The event streams of one session that a client may resume by `Last-Event-ID`."""

from __future__ import annotations

import asyncio

from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Outbox


class ReplayStore:
    """Streams by name. A stream stays for a while after it was given up; when there are too many the oldest goes."""

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop, epoch: str) -> None:
        """`epoch` tells this life of the session from those before a restart; letters and digits."""
        self._limits = limits
        self._loop = loop
        self._epoch = epoch
        self._streams: dict[str, tuple[Outbox, float | None]] = {}
        self._count = 0

    def new(self, prefix: str) -> Outbox:
        """A stream with a name of its own, kept until `give_up` and a while longer."""
        outbox = Outbox(self._limits, self.next_name(prefix))
        self.hold(outbox)
        return outbox

    def next_name(self, prefix: str) -> str:
        """A name that no stream of this session had before; where it comes from a former life of it, it is another."""
        self._count += 1
        return f"{prefix}{self._epoch}x{self._count}"

    def get(self, name: str) -> Outbox | None:
        """The stream of that name, if it is still kept."""
        self.purge()
        entry = self._streams.get(name)
        return None if entry is None else entry[0]

    def hold(self, outbox: Outbox) -> None:
        """Somebody reads it again."""
        if outbox.name is not None:
            self._streams[outbox.name] = (outbox, None)

    def give_up(self, outbox: Outbox) -> None:
        """Nobody reads it any more: keep it for the client's return, for a limited time."""
        name = outbox.name
        if name is not None and self._streams.pop(name, None) is not None:
            self._streams[name] = (outbox, self._loop.time() + self._limits.replay_after)
        self.purge()

    def clear(self) -> None:
        """The session ends."""
        self._streams.clear()

    def purge(self) -> None:
        """Forget what is over its time, then the oldest of what is over the limits; never one that is being read."""
        now = self._loop.time()
        idle = [(name, outbox, until) for name, (outbox, until) in self._streams.items() if until is not None]
        count, size = len(idle), sum(outbox.bytes_kept for _, outbox, _ in idle)
        for name, outbox, until in idle:
            if until <= now or count > self._limits.replay_streams or size > self._limits.replay_bytes:
                del self._streams[name]
                count -= 1
                size -= outbox.bytes_kept
