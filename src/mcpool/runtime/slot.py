"""The one place where a thread's current runtime stands, and the way to the next one.

A change of whatever a runtime is made of only marks the slot; `refresh` brings it up to date. There is one gate: the
desired state is resolved inside it, so that of changes A, B and C, where B and C come while A is resolved, A and C are
built and B never is. Marks are counted: a refresh waits for what was marked when it was called, and for no more; one
that fails or is cancelled leaves its mark, so that the next one does its work.

Resolving may take time. All that follows is one step of the event loop: leases are taken, the new runtime takes the
place of the old one by one assignment, and only then does it have effects (servers that are to start at once, what the
thread wants to hear). So nobody sees half of it, and a candidate that loses, because nothing changed after all, had no
effect but leases, which it gives back.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable

from mcpool.runtime.projected import Projected
from mcpool.runtime.runtime import Runtime


class RuntimeSlot:
    """Readers see the whole old runtime or the whole new one."""

    def __init__(
        self,
        resolve: Callable[[], Awaitable[Projected]],
        build: Callable[[Projected], Runtime],
        on_published: Callable[[Runtime], None],
    ) -> None:
        self._resolve = resolve
        self._build = build
        self._on_published = on_published
        self._gate = asyncio.Lock()
        self._marked = 1
        self._done = 0
        self._open = True
        self._current: Runtime | None = None
        self._alive: weakref.WeakSet[Runtime] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"<RuntimeSlot {self._current!r}{', dirty' if self.dirty else ''}>"

    @property
    def current(self) -> Runtime | None:
        """The runtime that the next step pins; None before the first and after the last."""
        return self._current

    @property
    def dirty(self) -> bool:
        """Whether something changed that the current runtime does not know of."""
        return self._done < self._marked

    @property
    def alive(self) -> tuple[Runtime, ...]:
        """The current runtime, and those that steps and requests still hold."""
        return tuple(self._alive)

    @property
    def pins(self) -> int:
        """How many steps and requests hold a runtime of this slot, replaced ones included."""
        return sum(runtime.pins for runtime in self._alive)

    def mark(self) -> None:
        """Something changed."""
        self._marked += 1

    async def refresh(self) -> None:
        """Bring it up to date with everything that was marked before this call, unless it is so already.

        Raises: what resolving and building do; the mark stays then, as it does when this is cancelled.
        """
        wanted = self._marked
        while self._open and self._done < wanted:
            async with self._gate:
                if self._open and self._done < wanted:
                    await self._replace()

    async def _replace(self) -> None:
        seen = self._marked
        projected = await self._resolve()
        if not self._open:
            return
        candidate, before = self._build(projected), self._current
        self._done = seen
        if before is not None and before.same_as(candidate):
            candidate.replace()
            return
        self._alive.add(candidate)
        self._current = candidate
        if before is not None:
            before.replace(candidate)
        self._on_published(candidate)

    def close(self) -> None:
        """Publish nothing any more. The current runtime lives on for those who hold it."""
        self._open = False
        before, self._current = self._current, None
        if before is not None:
            before.replace()

    def open(self) -> None:
        """The opposite: the next refresh publishes again."""
        self._open = True
        self.mark()
