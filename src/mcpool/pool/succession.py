"""A fresh process takes the place of another: which may stand in its way, and how long that is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from mcpool.pool.entry import Entry

DRAIN_MOST = 60.0
"""Seconds that the calls of a process have left that must end before another can start."""


def replaced_by(entry: Entry, others: Iterable[Entry]) -> list[Entry]:
    """Those whose processes may hold what one of `entry` needs, a port or a lock. Pure.

    It replaces what was retired under its key, and what has its name and another definition: if that is retired or
    nobody holds it, for else it serves threads whose server of this name is another one.
    """
    return [
        other
        for other in others
        if other is not entry
        and other.key.within == entry.key.within
        and (
            (other.retired and other.key == entry.key)
            or (
                (other.retired or not other.held)
                and other.config.definition != entry.config.definition
                and not set(other.names).isdisjoint(entry.names)
            )
        )
    ]


class Succession:
    """The way of one entry to its process (`mcpool.backend.generations.Way`)."""

    def __init__(
        self,
        entry: Callable[[], Entry],
        others: Callable[[], Iterable[Entry]],
        see_off: Callable[[Entry], asyncio.Task[None]],
    ) -> None:
        """`others` are all entries that may have a process; `see_off` has one of them end, when its calls are done."""
        self._entry = entry
        self._others = others
        self._see_off = see_off

    async def clear(self) -> bool:
        """Usually the old and the new one run side by side until the calls of the old one are done."""
        if not self._entry().config.overlap:
            # Those without a process as well: they must not get one any more, by themselves or for who still has them.
            await self._gone(self._replaced())
            return False
        # Of those that end already one may be left: processes must not pile up in a storm of reloads.
        ending = [other for other in self._in_the_way() if other.ending is not None]
        await self._gone(ending[:-1])
        return bool(self._in_the_way())

    async def clear_wholly(self) -> bool:
        """Wait for all of them."""
        before = self._in_the_way()
        await self._gone(before)
        return bool(before)

    def _in_the_way(self) -> list[Entry]:
        return [entry for entry in self._replaced() if entry.has_process]

    def _replaced(self) -> list[Entry]:
        return replaced_by(self._entry(), self._others())

    async def _gone(self, entries: list[Entry]) -> None:
        if entries:
            await asyncio.wait([self._see_off(entry) for entry in entries])
