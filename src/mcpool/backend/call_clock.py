"""The time that a call has left."""

from __future__ import annotations

from mcpool.backend.holder import Holder
from mcpool.backend.questions import Questions

ASKED_POLL = 0.2
"""Seconds between looks at a call that is past its time-out while its own thread is being asked something."""

ROUNDING = 0.001
"""Seconds by which a timer may be early."""


class CallClock:
    """The time that a call has left. It stands still while the call's own thread is asked something."""

    __slots__ = ("_asked", "_holder", "_questions", "_started", "timeout")

    def __init__(self, questions: Questions, holder: Holder, timeout: float, now: float) -> None:
        self.timeout = timeout
        self._questions = questions
        self._holder = holder
        self._started = now
        self._asked = questions.asked_time(holder, now) if questions.asked_ever else 0.0

    def remaining(self, now: float) -> float:
        """Seconds left; zero or less when the time is up."""
        asked = self._questions.asked_time(self._holder, now) - self._asked
        return self.timeout - (now - self._started - asked)
