"""Carrying out what `restarts` decides: the memory of how a backend ended, and the timer of its next attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from mcpool.backend.restarts import Budget, Ending, Restarts, after_ending, forgiven, why_open

AUTH_PAUSE = 5.0
"""Seconds until it is looked again, without a call, whether somebody has signed in."""


class Revival:
    """Knows whether and when a backend may be started again, and calls `attempt` when it is time."""

    def __init__(
        self,
        budget: Callable[[], Budget],
        chance: Callable[[], float],
        attempt: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`budget` gives the newest one, `chance` random numbers in [0, 1)."""
        self._budget = budget
        self._chance = chance
        self._attempt = attempt
        self._loop = loop
        self._history = Restarts()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def retry_at(self) -> float:
        """When it may be started again, in the loop's time."""
        return self._history.retry_at

    @property
    def resting(self) -> bool:
        """Whether the circuit is open: nothing starts before `retry_at`, nor then but for the first who wants it."""
        return self._history.open

    @property
    def admits(self) -> bool:
        """Whether somebody who wants it may start it now."""
        return self._history.admits(self._loop.time())

    def ended(self, *, ready_for: float | None, served: bool = False) -> None:
        """It has just ended, or failed to start; see `Ending`."""
        ending = Ending(self._loop.time(), ready_for, served)
        self._history = after_ending(self._history, self._budget(), ending, self._chance())

    def pause(self) -> None:
        """A person has to sign in first: begin nothing for a while. Who needs it may start it all the same."""
        self._history = replace(self._history, retry_at=self._loop.time() + AUTH_PAUSE)

    def later(self) -> None:
        """Attempt it when it may be."""
        self.cancel()
        self._timer = self._loop.call_at(self._history.retry_at, self._now)

    def cancel(self) -> None:
        """No attempt is wanted but by who asks for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def forgive(self) -> None:
        """Whatever was: it may be tried at once, and its budget is whole."""
        self._history = forgiven(self._history, self._loop.time())
        if self._timer is not None:
            self.later()

    def why_resting(self, server: str, last: str) -> str:
        """What a caller is told while it rests. `last` is what ended it last."""
        rest = why_open(self._history, self._budget(), self._loop.time())
        return f"{last}; {rest}; `mcpool reconnect {server}` tries at once"

    def _now(self) -> None:
        self._timer = None
        self._attempt()
