"""A backend and what the pool knows about it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from mcpool.backend.backend import Backend
from mcpool.backend.generations import Spawn
from mcpool.backend.sharing import Sharing
from mcpool.config.server import ServerConfig, WhenAsking
from mcpool.pool.habits import Asking, Habits
from mcpool.pool.idling import Use
from mcpool.pool.lanes import Lanes
from mcpool.pool.sharing import Key


class Entry:
    """All who hold a lease on one key, and the processes that work for them."""

    __slots__ = ("backend", "config", "ending", "held", "key", "lanes", "last_released", "outdated", "retired", "timer")

    def __init__(
        self,
        key: Key,
        config: ServerConfig,
        open: Callable[[Sharing], Backend],
        *,
        habits: Habits,
        on_isolated: Callable[[], None],
        spawn: Spawn,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`open` makes a backend for it. `on_isolated`: its threads are no longer to share it."""
        self.key = key
        self.config = config
        self.held: Counter[str] = Counter()
        """The leases by the name of the server."""
        self.retired = False
        self.outdated = False
        """Whether somebody who had it has another definition now, or none, and nobody wanted it since."""
        self.ending: asyncio.Task[None] | None = None
        """Ends it, or has ended it."""
        self.last_released = loop.time()
        self.timer: asyncio.TimerHandle | None = None

        def learned(asking: Asking) -> None:
            if habits.learn(key.identity, asking) and asking is Asking.UNASKED:
                on_isolated()

        self.lanes = Lanes(
            open,
            exclusive=key.exclusive,
            strict=habits.of(key.identity) is not Asking.NEVER,
            when_asking=self._when_asking,
            on_asked=lambda: learned(Asking.WITHIN_CALLS),
            on_unasked=lambda: learned(Asking.UNASKED),
            spawn=spawn,
            loop=loop,
        )
        self.backend = self.lanes.first.backend

    def _when_asking(self) -> WhenAsking:
        return self.config.when_asking

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which it is leased, sorted: servers that are configured alike are one."""
        return tuple(sorted(self.held)) or (self.config.name,)

    @property
    def has_process(self) -> bool:
        """Whether a process of it runs, starts, is about to be started again, or is not gone yet."""
        return self.backend.restarts or (self.ending is not None and not self.ending.done())

    def use(self) -> Use:
        """How much it is used."""
        backend = self.backend
        return Use(
            leases=backend.holders.leases,
            in_flight=sum(one.in_flight for one in self.lanes) + backend.starting + self.lanes.waiting,
            last_used=max(backend.last_used, self.last_released),
            idle_timeout=self.config.idle_timeout,
            stop_when_unused=self.config.stop_when_unused,
        )
