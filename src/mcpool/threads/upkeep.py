"""Keeping the runtime of one thread up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from mcpool.config.server import ServerConfig
from mcpool.errors import McpoolError
from mcpool.pool.lease import Lease
from mcpool.runtime.building import build
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.runtime import Runtime
from mcpool.runtime.slot import RuntimeSlot

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that the host owns and awaits."""


class Upkeep:
    """Owns the slot, and at most one task that refreshes it in the background."""

    def __init__(
        self,
        resolve: Callable[[], Awaitable[Projected]],
        lease: Callable[[ServerConfig], Lease],
        *,
        policy: Policy,
        on_published: Callable[[Runtime], None],
        spawn: Spawn,
    ) -> None:
        """`resolve` is called for each refresh, `lease` for each server that it names."""
        self.policy = policy
        """The policy of the next runtime."""
        self.trouble: McpoolError | None = None
        """Why the last refresh failed; None if it did not."""
        self._lease = lease
        self._on_published = on_published
        self._spawn = spawn
        self._slot = RuntimeSlot(resolve, self._build, self._published)
        self._revision = 0
        self._refreshing: asyncio.Task[None] | None = None
        self._open = True

    @property
    def current(self) -> Runtime | None:
        """The runtime that the next step pins, if nothing changes before; None while there is none."""
        return self._slot.current

    @property
    def pins(self) -> int:
        """How many steps and requests hold a runtime of it."""
        return self._slot.pins

    @property
    def leases(self) -> list[Lease]:
        """Of the current runtime, and of those that steps and requests still hold."""
        return [binding.lease for runtime in self._slot.alive for binding in runtime.bindings.values()]

    def is_current(self, runtime: Runtime) -> bool:
        """Whether nothing has come, or is about to come, in its place."""
        return not self._slot.dirty and self._slot.current in (runtime, None)

    def invalidate(self) -> None:
        """Something changed that the runtime depends on."""
        self._slot.mark()
        self.refresh_soon()

    def refresh_soon(self) -> None:
        """Bring it up to date in the background."""
        if self._open and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = self._spawn(self._refresh_in_background())

    async def refresh(self) -> None:
        """Bring it up to date, if something changed.

        Raises:
            McpoolError: what it is made of could not be resolved; the next refresh tries again.
        """
        try:
            await self._slot.refresh()
        except McpoolError as error:
            self.trouble = error
            raise

    async def settled(self) -> None:
        """Wait for what `invalidate` began, whatever comes of it."""
        while (task := self._refreshing) is not None and not task.done():
            await asyncio.wait([task])

    def close(self) -> None:
        """Publish nothing any more, and let the current runtime go."""
        self._open = False
        self._slot.close()
        if self._refreshing is not None:
            self._refreshing.cancel()

    def open(self) -> None:
        """The opposite."""
        self._open = True
        self._slot.open()
        self.refresh_soon()

    async def _refresh_in_background(self) -> None:
        with suppress(McpoolError):  # whoever takes a step tries again, and is told
            while self._slot.dirty and self._open:
                await self.refresh()

    def _build(self, projected: Projected) -> Runtime:
        return build(self._revision + 1, projected, self.policy, self._lease)

    def _published(self, runtime: Runtime) -> None:
        self._revision = runtime.revision
        self.trouble = None
        self._on_published(runtime)
