"""Finding out that a connection is dead: before a call does if it is idle, and when calls time out in silence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from mcpool.backend.connection import Connection
from mcpool.backend.deadlines import Waiting
from mcpool.backend.holders import Holders
from mcpool.backend.terms import Terms
from mcpool.errors import AuthRequired, CallTimeout, ServerUnavailable
from mcpool.wire.lost import ConnectionLost

CHECK_TIMEOUT = 10.0
"""Seconds that a server has to show a sign of life."""


class Checked(Protocol):
    """What the heartbeat looks at, and whom it tells."""

    terms: Terms
    holders: Holders
    current: Connection | None

    @property
    def in_flight(self) -> int:
        """Requests under way: what is waited for needs no check."""
        ...

    @property
    def last_used(self) -> float:
        """When the last request ended."""
        ...

    def lost(self, connection: Connection, lost: ConnectionLost) -> None:
        """It showed no sign of life."""
        ...

    def refused(self, connection: Connection, error: AuthRequired) -> None:
        """It no longer lets us in."""
        ...


@dataclass(frozen=True, slots=True)
class _Silence:
    """A request timed out when so much had been heard."""

    since: float
    heard: int

    def lasted(self, begun: float, heard: int) -> bool:
        """Whether another that began at this time, and timed out now, saw nothing of the server either."""
        return heard == self.heard and begun >= self.since


class Heartbeat:
    """Asks a connection that nobody uses, but somebody holds, whether it still answers. That is no use of it.

    One that is used more often is asked when two requests, one after the other, timed out without a byte in between.
    """

    def __init__(self, backend: Checked, loop: asyncio.AbstractEventLoop) -> None:
        self._backend = backend
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._checked = 0.0
        self._silence: _Silence | None = None
        self._checking = False

    def watch(self, connection: Connection) -> None:
        """Watch this connection, which is ready now."""
        self._checked = self._loop.time()
        self._silence = None
        self._wait_for(connection)

    def timed_out(self, waiting: Waiting) -> None:
        """A request got no answer in its time."""
        backend = self._backend
        connection = backend.current
        if connection is None or waiting.engine is not connection.engine or not backend.terms.heartbeat:
            return
        heard, before = connection.engine.statistics().bytes_in, self._silence
        if before is None or before.heard != heard:
            self._silence = _Silence(self._loop.time(), heard)
        elif before.lasted(waiting.begun, heard) and not self._checking:
            self._silence = None
            self._begin(connection)

    def rest(self) -> None:
        """There is nothing to watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_for(self, connection: Connection) -> None:
        self.rest()
        every = self._backend.terms.heartbeat
        if every and connection is self._backend.current:
            due = max(self._backend.last_used, self._checked) + every
            self._timer = self._loop.call_at(due, self._look, connection)

    def _look(self, connection: Connection) -> None:
        self._timer = None
        backend, now = self._backend, self._loop.time()
        # What it was told to stop it may still be busy with.
        busy = backend.in_flight or any(call.cancelled and call.owner is not None for call in connection.engine.calls)
        if busy or not backend.holders:
            self._checked = now
        elif now >= max(backend.last_used, self._checked) + backend.terms.heartbeat:
            self._begin(connection)
            return
        self._wait_for(connection)

    def _begin(self, connection: Connection) -> None:
        self.rest()
        self._checking = True
        connection.adopt(self._loop.create_task(self._check(connection)))

    async def _check(self, connection: Connection) -> None:
        heard = connection.engine.statistics().bytes_in
        try:
            await connection.session.check(timeout=CHECK_TIMEOUT)
        except AuthRequired as error:
            self._backend.refused(connection, error)
        except (CallTimeout, ConnectionLost, ServerUnavailable) as error:
            if connection.engine.statistics().bytes_in == heard:
                why = error.reason if isinstance(error, ConnectionLost) else "does not answer a health check"
                self._backend.lost(connection, ConnectionLost(connection.terms.server, why, sent=True))
                connection.kill()  # what shows no sign of life does not end itself either
        finally:
            self._checking = False
        self._checked = self._loop.time()
        self._wait_for(connection)
