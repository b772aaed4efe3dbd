"""The time that each request in flight has left, watched by one timer for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcpool.backend.holder import Holder
from mcpool.backend.questions import Questions
from mcpool.wire.call import Call
from mcpool.wire.engine import Engine

ASKED_POLL = 0.2
"""Seconds between looks at a request that is past its time-out while its own thread is being asked something."""

ROUNDING = 0.001
"""Seconds by which a timer may be early."""


class Waiting:
    """A request in flight. Its clock stands still while its own thread is asked something on its connection."""

    __slots__ = ("_asked", "_started", "call", "due", "engine", "holder", "questions", "timeout")

    def __init__(
        self, call: Call, engine: Engine, questions: Questions, holder: Holder, timeout: float, now: float
    ) -> None:
        self.call = call
        self.engine = engine
        self.questions = questions
        self.holder = holder
        self.timeout = timeout
        self.due = now + timeout
        """When to look whether its time is up."""
        self._started = now
        self._asked = questions.asked_time(holder, now) if questions.asked_ever else 0.0

    def remaining(self, now: float) -> float:
        """Seconds left; zero or less when the time is up."""
        asked = self.questions.asked_time(self.holder, now) - self._asked
        return self.timeout - (now - self._started - asked)


class Deadlines:
    """Tells `expire` of each request whose time is up, at once or at most `ASKED_POLL` late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[Waiting], None]) -> None:
        self._loop = loop
        self._expire = expire
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: Waiting) -> None:
        """Watch a request."""
        self._waiting.add(waiting)
        timer = self._timer
        if timer is None or waiting.due < timer.when():
            self._look_at(waiting.due)

    def discard(self, waiting: Waiting) -> None:
        """It is over. The timer stays: one that comes too early is cheaper than one that moves with each request."""
        self._waiting.discard(waiting)

    def rest(self) -> None:
        """Nothing is in flight for a while: let the timer go."""
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
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
