"""Reading a server's list of tools again when it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from mcpool.backend.failures import passes
from mcpool.errors import ServerError
from mcpool.wire.lost import ConnectionLost

RELIST_AFTER = 0.25
"""Seconds to wait for further changes before the list is read again."""

RELIST_MOST = 60.0
"""Seconds until a list that could not be read is tried again; each failure makes the wait longer, up to this."""


class Relisting:
    """Once for all changes that come in a burst, never twice at a time, and again until it could be read.

    `read` reads all pages and says whether anything is different; `on_read` is called then, and always if the server
    announced a change. `note` takes a sentence on what went wrong, `spawn` starts tasks that end with the connection.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bool]],
        on_read: Callable[[], None],
        *,
        note: Callable[[str], None],
        alive: Callable[[], bool],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._read = read
        self._on_read = on_read
        self._note = note
        self._alive = alive
        self._spawn = spawn
        self._timeout = timeout
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        """Set from the first change until the list was read."""
        self._wanted = False
        self._announced = False
        self._failures = 0

    def soon(self, *, announced: bool) -> None:
        """It has changed, or (if that was not `announced`) may have."""
        self._wanted = True
        self._announced |= announced
        if self._timer is None:
            self._timer = self._loop.call_later(RELIST_AFTER, self._begin)

    def rest(self) -> None:
        """The connection ends: begin nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        self._spawn(self._read_again())

    async def _read_again(self) -> None:
        announced, self._wanted, self._announced = self._announced, False, False
        try:
            async with asyncio.timeout(self._timeout):
                changed = await self._read()
        except (TimeoutError, ConnectionLost, ServerError) as error:
            if not self._alive():
                return
            self._failed(error, announced)
        else:
            self._failures = 0
            if announced or changed:
                self._on_read()
        self._timer = None
        if self._wanted:
            pause = 2.0 ** min(self._failures - 1, 10) if self._failures else RELIST_AFTER
            self._timer = self._loop.call_later(min(pause, RELIST_MOST), self._begin)

    def _failed(self, error: TimeoutError | ConnectionLost | ServerError, announced: bool) -> None:
        what = str(error) or f"no answer within {self._timeout:g} s"
        if not self._failures:
            self._note(f"its changed tool list could not be read: {what}")
        if isinstance(error, TimeoutError) or passes(error):
            self._failures += 1
            self._wanted = True
            self._announced |= announced
