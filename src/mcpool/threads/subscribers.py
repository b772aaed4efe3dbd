"""Who watches which thread, and when one that nobody watches may go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

OWNER = "owner"
"""The subscriber that stands for whoever opened a thread."""

LOOK_AGAIN = 1.0
"""Seconds at least between two looks at a thread that is in the middle of something."""


class Subscribers:
    """Counts them by thread, and calls `unload` when one has had none for `patience` seconds.

    `unload` returns False if it can't go yet; then it is called again.
    """

    def __init__(self, patience: float, unload: Callable[[str], bool], loop: asyncio.AbstractEventLoop) -> None:
        self._patience = patience
        self._unload = unload
        self._loop = loop
        self._of: dict[str, set[Hashable]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def add(self, thread: str, subscriber: Hashable) -> None:
        """One more, or the same again."""
        self._of.setdefault(thread, set()).add(subscriber)
        self._stop_waiting(thread)

    def remove(self, thread: str, subscriber: Hashable) -> bool:
        """One less; False if it was none."""
        known = self._of.get(thread, set())
        if subscriber not in known:
            return False
        known.discard(subscriber)
        if not known:
            self._timers[thread] = self._loop.call_later(self._patience, self._unwatched, thread)
        return True

    def clear(self, thread: str) -> None:
        """The thread is gone, or not loaded any more."""
        self._of.pop(thread, None)
        self._stop_waiting(thread)

    def _stop_waiting(self, thread: str) -> None:
        timer = self._timers.pop(thread, None)
        if timer is not None:
            timer.cancel()

    def _unwatched(self, thread: str) -> None:
        if not self._unload(thread):
            wait = max(self._patience, LOOK_AGAIN)
            self._timers[thread] = self._loop.call_later(wait, self._unwatched, thread)
