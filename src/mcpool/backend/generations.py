"""One process after another: each generation of a backend lives in a task of its own, and none before its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from mcpool.backend.connection import Connection, Opening
from mcpool.errors import AuthRequired, ServerUnavailable

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that the pool owns and awaits."""


class Way(Protocol):
    """Knows what must be out of the way before a process can be started: other backends, that this one replaces."""

    async def clear(self) -> bool:
        """Return when one may be started. True if something is left that may stand in its way all the same."""
        ...

    async def clear_wholly(self) -> bool:
        """One could not be started: return when nothing is left. False if nothing was."""
        ...


class Generations:
    """The tasks of one backend that each live one generation, from the start of its process until that is gone."""

    def __init__(
        self, server: str, spawn: Spawn, way: Way, failed: Callable[[Opening, ServerUnavailable], None]
    ) -> None:
        """`failed` hears why a generation could not be started."""
        self._server = server
        self._spawn = spawn
        self._way = way
        self._failed = failed
        self._owners: dict[asyncio.Task[None], Opening] = {}
        self._retiring: set[Connection] = set()

    def begin(self, opening: Opening, live: Callable[[], Awaitable[ServerUnavailable | None]]) -> None:
        """Let another one live, when those before are gone. `live` returns why it could not be started, if so."""
        owner = self._spawn(self._run(opening, live, self._ending))
        self._owners[owner] = opening
        owner.add_done_callback(self._ended)

    def leave(self, connection: Connection) -> None:
        """Nobody uses a connection any more but those for whose answers it stays, if it does."""
        if connection.goes_on:
            self._retiring.add(connection)
        else:
            connection.end()

    @property
    def _ending(self) -> tuple[asyncio.Task[None], ...]:
        """Those whose process or endpoint has to be gone before the next one starts.

        What goes on for its last calls is an endpoint that we left: nobody who comes later waits for these.
        """
        left = {connection.owner for connection in self._retiring}
        return tuple(owner for owner in self._owners if owner not in left)

    def _ended(self, owner: asyncio.Task[None]) -> None:
        del self._owners[owner]
        self._retiring = {connection for connection in self._retiring if connection.owner is not owner}

    async def _run(
        self,
        opening: Opening,
        live: Callable[[], Awaitable[ServerUnavailable | None]],
        before: tuple[asyncio.Task[None], ...],
    ) -> None:
        try:
            if before:
                await asyncio.wait(before)
            beside = await self._way.clear()
            error = await live()
            # What it replaces may have held what it needs: a port, a lock. When that is gone it gets another chance.
            if error is not None and not isinstance(error, AuthRequired):
                beside |= await self._way.clear_wholly()
                if beside:
                    error = await live()
        except asyncio.CancelledError:
            if not opening.done():
                opening.set_result(ServerUnavailable(self._server, "was stopped while it started"))
            raise
        except Exception as defect:
            if not opening.done():
                what = f"could not be started: {type(defect).__name__}: {defect}"
                self._failed(opening, ServerUnavailable(self._server, what))
            raise
        if error is not None:
            self._failed(opening, error)

    def end(self) -> tuple[asyncio.Task[None], ...]:
        """Let those that are not ready yet end, and whoever waits for them look anew; returns what to wait for.

        The process of one that is ready is for its connection to end.
        """
        unfinished = [(owner, opening) for owner, opening in self._owners.items() if not opening.done()]
        for owner, opening in unfinished:
            opening.set_result(None)
            owner.cancel()
        while self._retiring:
            self._retiring.pop().end()
        return tuple(self._owners)
