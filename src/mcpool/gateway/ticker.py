"""One timer for all requests in flight, instead of one or more for each: most end long before any is due."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Ticking(Protocol):
    """Something with deadlines."""

    def on_tick(self, age: float) -> bool:
        """Look at the deadlines, `age` seconds after it was added; False if none is left."""
        ...


class Ticker:
    """Calls whatever was added every `interval` seconds; nothing while nothing is there."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._added: dict[Ticking, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._added)

    def add(self, item: Ticking) -> None:
        """Tick it from now on."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._added[item] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._interval, self._tick)

    def discard(self, item: Ticking) -> None:
        """Tick it no more. Safe to call when it is not there."""
        self._added.pop(item, None)

    def close(self) -> None:
        """Stop."""
        self._added.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        if not self._added:
            return
        assert self._loop is not None
        now = self._loop.time()
        for item, since in list(self._added.items()):
            if not item.on_tick(now - since):
                self._added.pop(item, None)
        if self._added and self._timer is None:
            self._timer = self._loop.call_later(self._interval, self._tick)
