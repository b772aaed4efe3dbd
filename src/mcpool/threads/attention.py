"""What a thread wants to hear: log messages and resource updates, at whichever runtime it has."""

from __future__ import annotations

import asyncio

from mcpool.backend.holder import severity
from mcpool.runtime.runtime import Binding, Runtime


class Attention:
    """Outlives the runtimes of its thread: each new one is told."""

    __slots__ = ("_levels", "_uris")

    def __init__(self) -> None:
        self._levels: dict[str | None, str | None] = {}
        self._uris: dict[str, set[str]] = {}

    async def set_log_level(self, runtime: Runtime | None, server: str | None, level: str | None) -> None:
        """Hear log messages of this severity and above, from one server or, with None, from all.

        Raises:
            ValueError: there is no such severity.
            RpcError, CallTimeout: a server refuses, or does not answer.
        """
        if level is not None:
            severity(level)
        if server is None:
            self._levels.clear()
        self._levels[server] = level
        if runtime is None:
            return
        leases = [binding.lease for name, binding in runtime.bindings.items() if server in (None, name)]
        settings = (lease.backend.wishes.set_level(lease.holder, level) for lease in leases)
        for outcome in await asyncio.gather(*settings, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def subscribe(self, binding: Binding, uri: str) -> None:
        """Hear of updates of a resource. Raises: as `Step.call`."""
        await binding.lease.backend.wishes.subscribe(binding.lease.holder, uri, binding.view.tool_timeout)
        self._uris.setdefault(binding.config.name, set()).add(uri)

    async def unsubscribe(self, binding: Binding, uri: str) -> None:
        """The opposite of `subscribe`."""
        self._uris.get(binding.config.name, set()).discard(uri)
        await binding.lease.backend.wishes.unsubscribe(binding.lease.holder, uri, binding.view.tool_timeout)

    def carry_over(self, runtime: Runtime) -> None:
        """A new runtime takes the place of another: its servers are to tell the same."""
        for name, binding in runtime.bindings.items():
            level = self._levels.get(name, self._levels.get(None))
            binding.lease.backend.wishes.carry_over(binding.lease.holder, level, self._uris.get(name, ()))
