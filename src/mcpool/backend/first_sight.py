"""The wait for a server whose tools were never seen: short for one that is slow, longer for one that is at work.

All threads share one grace, counted from the first that wanted to see the server. It begins again with each sign that
the server's processes work (a Python server that imports its packages says nothing meanwhile, but uses the processor),
though not for ever. So a usual server is there with the first step even on a busy machine, and one that hangs, or waits
for something itself, costs no more than the grace.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from mcpool.backend.deadlines import ROUNDING
from mcpool.errors import ServerUnavailable
from mcpool.wire.link import Link, Works

MOST = 10.0
"""Seconds of grace at most, for a server that never stops working."""

LOOK = 0.25
"""Seconds between two looks for a sign of life."""

SIGN = 2
"""How much work between two looks is a sign: what a server does that waits is less."""


class Window:
    """The grace that all who want to see one server share."""

    __slots__ = ("_begun", "_until")

    def __init__(self) -> None:
        self._begun: float | None = None
        self._until = 0.0

    def left(self, now: float, grace: float) -> float:
        """Seconds that are left of it, 0 once a timer could not tell it from over; the first who asks opens it."""
        if self._begun is None:
            self._begun, self._until = now, now + grace
        left = self._until - now
        return left if left > ROUNDING else 0.0

    def extend(self, now: float, grace: float) -> None:
        """There was a sign of life."""
        if self._begun is not None and grace:
            self._until = max(self._until, min(now + grace, self._begun + max(grace, MOST)))

    def close(self) -> None:
        """The next who asks opens another."""
        self._begun = None


class Linked(Protocol):
    """A connection, which has a link as soon as its server's process is there."""

    link: Link | None


class Signs:
    """Whether the processes of a server work. Looks seldom, however many ask."""

    __slots__ = ("_done", "_looked", "_working", "newest")

    def __init__(self) -> None:
        self.newest: Linked | None = None
        """The connection that is being opened, or was opened last."""
        self._looked = 0.0
        self._done = 0
        self._working = False

    def look(self, now: float) -> bool:
        """Whether they worked between the last two looks, or we are still at work to start them."""
        if self.newest is not None and self.newest.link is None:
            return True
        if now - self._looked >= LOOK:
            link = None if self.newest is None else self.newest.link
            done = link.work_done() if isinstance(link, Works) else 0
            self._working = done - self._done >= SIGN
            self._looked, self._done = now, done
        return self._working


class Unseen(Protocol):
    """A backend, as who waits for it sees it."""

    @property
    def opening(self) -> asyncio.Future[ServerUnavailable | None] | None: ...

    @property
    def signs(self) -> Signs: ...

    def begin(self) -> None: ...


async def wait_for_sight(backend: Unseen, window: Window, seen: asyncio.Future[None], grace: float) -> None:
    """Start a server and wait until its tools are seen, its start has failed, or the grace is over."""
    backend.begin()
    opening = backend.opening
    if opening is None:
        return
    loop = asyncio.get_running_loop()
    while not (opening.done() or seen.done()) and (left := window.left(loop.time(), grace)) > 0:
        await asyncio.wait([opening, seen], timeout=min(left, LOOK), return_when=asyncio.FIRST_COMPLETED)
        if backend.signs.look(loop.time()):
            window.extend(loop.time(), grace)
