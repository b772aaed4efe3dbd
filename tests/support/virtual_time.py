"""An event loop whose clock jumps: where a real one would sleep until the next timer, this one is there at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

TURNS = 100_000
"""Turns of the loop at one moment after which it goes round in circles."""


class NothingWillHappen(RuntimeError):
    """Everything waits and no timer is set: on a real loop the test would hang."""


class TimeStandsStill(RuntimeError):
    """Something is always about to be run, and no timer has its turn: on a real loop it would burn the processor."""


class _Instant(selectors.BaseSelector):
    """Never waits, and never has anything to report: the simulated world holds no sockets."""

    def __init__(self) -> None:
        self.now = 0.0
        self._turns = 0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, _number(fileobj), events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingWillHappen("every task waits, and no timer is set that could wake one")
        before = self.now
        self.now += max(0.0, timeout)
        self._turns = self._turns + 1 if self.now == before else 0
        if self._turns > TURNS:
            self._turns = 0
            raise TimeStandsStill(f"the loop was turned {self._turns:,} times at {self.now:g} s")
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


def _number(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Deterministic: callbacks run in the order of their times, and `time()` begins at zero."""

    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now
