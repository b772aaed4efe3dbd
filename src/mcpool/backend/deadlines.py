"""The time that each request in flight has left, watched by one timer for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from mcpool.backend.holder import CallSink, Holder
from mcpool.wire.call import Call, CallSinkLike
from mcpool.wire.engine import Engine

if TYPE_CHECKING:
    from mcpool.backend.questions import Questions

ASKED_POLL = 0.2
"""Seconds between looks at a request that is past its time-out while its own thread is being asked something."""

ROUNDING = 0.001
"""Seconds by which a timer may be early."""


class Waiting(Struct, eq=False):
    """A request in flight. Its clock stands still while its own thread is asked something on its connection."""

    call: Call
    engine: Engine
    questions: Questions
    holder: Holder
    timeout: float
    """Seconds that it has from the beginning of its clock."""
    whole: float
    """The time-out as its caller knows it, of which earlier attempts may have used some."""
    due: float
    """When to look whether its time is up."""
    begun: float
    """When it was sent."""
    asked_before: float
    """Seconds for which its thread had been asked something by then (`Questions.asked_time`)."""
    restarted: float
    """When its clock began: later than `begun` if there was progress."""
    asked_by_then: float
    """As `asked_before`, for the beginning of the clock."""
    most: float | None = None
    """Seconds in all, to which progress extends the time-out; None: it does not."""

    @classmethod
    def since(
        cls, now: float, call: Call, engine: Engine, questions: Questions, holder: Holder, timeout: float, whole: float
    ) -> Waiting:
        """A request that is sent now."""
        asked = questions.asked_time(holder, now) if questions.asked_ever else 0.0
        return cls(call, engine, questions, holder, timeout, whole, now + timeout, now, asked, now, asked)

    def remaining(self, now: float) -> float:
        """Seconds left; zero or less when the time is up."""
        asked = self.questions.asked_time(self.holder, now)
        left = self.timeout - (now - self.restarted - (asked - self.asked_by_then))
        if self.most is None:
            return left
        return min(left, self.most - (now - self.begun - (asked - self.asked_before)))

    def progressed(self, now: float) -> None:
        """It is still at work: its time counts from now."""
        self.restarted = now
        self.asked_by_then = self.questions.asked_time(self.holder, now)


class ExtendedByProgress:
    """The sink of a call whose progress gives it more time. Passes on what the caller wants to hear."""

    __slots__ = ("_elsewhere", "_progress", "callers", "waiting")

    def __init__(self, sink: CallSink | None, progress: bool, elsewhere: Callable[[str, bytes | None], None]) -> None:
        """`progress`: whether the caller asked for it. `elsewhere` hears what would go there without a sink."""
        self.callers = sink
        """The sink of who made the call."""
        self._progress = progress
        self._elsewhere = elsewhere
        self.waiting: Waiting | None = None

    def on_notification(self, method: str, params: bytes | None) -> None:
        """A notification of this call."""
        if method == "notifications/progress":
            if self.waiting is not None:
                self.waiting.progressed(self.waiting.call.future.get_loop().time())
            if not self._progress:
                return
        if self.callers is not None:
            self.callers.on_notification(method, params)
        else:
            self._elsewhere(method, params)


def callers_sink(sink: CallSinkLike | None) -> CallSink | None:
    """The sink that the maker of a call gave, where another stands before it."""
    return sink.callers if isinstance(sink, ExtendedByProgress) else sink


class Deadlines:
    """Tells `expire` of each request whose time is up, at once or at most `ASKED_POLL` late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[Waiting], None]) -> None:
        self._loop = loop
        self._expire = expire
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf
        """When the timer goes off."""

    def add(self, waiting: Waiting) -> None:
        """Watch a request."""
        self._waiting.add(waiting)
        if waiting.due < self._next:
            self._look_at(waiting.due)

    def discard(self, waiting: Waiting) -> None:
        """It is over. The timer stays: one that comes too early is cheaper than one that moves with each request."""
        self._waiting.discard(waiting)

    def rest(self) -> None:
        """Nothing is in flight for a while: let the timer go."""
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer, self._next = None, inf

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._next = self._loop.call_at(when, self._look), when

    def _look(self) -> None:
        self._timer, self._next = None, inf
        now = self._loop.time()
        for waiting in [waiting for waiting in self._waiting if waiting.due <= now + ROUNDING]:
            remaining = waiting.remaining(now)
            if remaining > ROUNDING:
                waiting.due = now + max(remaining, ASKED_POLL)
            else:
                self._waiting.discard(waiting)
                self._expire(waiting)
        if self._waiting:
            self._look_at(min(waiting.due for waiting in self._waiting))
