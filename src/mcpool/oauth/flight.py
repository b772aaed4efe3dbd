"""One piece of work for all who want it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class Flight(Generic[_T]):
    """Whoever wants it while it is under way gets what comes of it. It goes on when they no longer wait."""

    def __init__(self, name: str) -> None:
        """`name` is that of its task."""
        self._name = name
        self._task: asyncio.Task[_T] | None = None

    @property
    def under_way(self) -> bool:
        """Whether somebody wanted it, and it is not done yet."""
        return self._task is not None

    async def join(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """What comes of the work that is under way, or of `work`, which then is."""
        if self._task is None:
            self._task = asyncio.create_task(work(), name=self._name)
            self._task.add_done_callback(self._done)
        return await asyncio.shield(self._task)

    def _done(self, task: asyncio.Task[_T]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # told to those who waited, if there still are any

    async def close(self, patience: float) -> None:
        """Wait for what is under way, though not longer than so many seconds."""
        task = self._task
        if task is not None:
            _, late = await asyncio.wait([task], timeout=patience)
            if late:
                task.cancel()
                await asyncio.wait([task])
