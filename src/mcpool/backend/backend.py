"""One server kept alive behind an identity: it owns at most one connection, and replaces it when it dies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from mcpool.backend.catalogues import Known
from mcpool.backend.connection import Connection, Opener, Opening
from mcpool.backend.eras import Eras
from mcpool.backend.first_sight import Signs
from mcpool.backend.generations import Generations, Spawn, Way
from mcpool.backend.heartbeat import Heartbeat
from mcpool.backend.holders import Holders
from mcpool.backend.lifecycle import Event, State, after
from mcpool.backend.requests import REPLACED, Requests
from mcpool.backend.revival import Revival
from mcpool.backend.sharing import Sharing
from mcpool.backend.status import BackendStatus, Trouble, describe
from mcpool.backend.terms import Terms
from mcpool.backend.tools import Catalogue
from mcpool.backend.wishes import Wishes
from mcpool.errors import AuthRequired, ServerUnavailable
from mcpool.telemetry import Telemetry
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.session import Era, Session

_RUNNING = (State.CONNECTING, State.READY, State.RECONNECTING)
_STARTING = (State.CONNECTING, State.RECONNECTING)
_ENDING = (State.STOPPING, State.STOPPED)


class Backend:
    """A supervised server: started when it is first wanted; brought back by itself when it dies while it is leased.

    All methods must be called from the event loop that the pool runs on.
    """

    def __init__(
        self,
        terms: Terms,
        opener: Opener,
        sharing: Sharing,
        way: Way,
        *,
        key: object,
        eras: Eras,
        known: Known,
        spawn: Spawn,
        chance: Callable[[], float],
        on_roots_wanted: Callable[[], None],
        on_state_lost: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        telemetry: Telemetry | None = None,
    ) -> None:
        """`chance` gives random numbers in [0, 1)."""
        self.name = terms.server
        self.terms = terms
        self.state = State.IDLE
        self.generation = 0
        self.lives = 0
        """How many connections were ready and ended, whatever ended them: with each went what its process knew."""
        self.last_error: str | None = None
        """What is wrong now; None while it runs."""
        self.trouble: Trouble | None = None
        """Why it last ended or could not be started, also if it runs again."""
        self.ready_at = 0.0
        """When the connection became ready, in the loop's time."""
        self.session: Session | None = None
        """The last session, for what it knows of the server."""
        self.current: Connection | None = None
        """The connection to use, if there is one."""
        self.holders = Holders()
        self.requests = Requests(self, loop, telemetry)
        self.request = self.requests.send
        self.wishes = Wishes(self.holders, self.requests, current=lambda: self.current, connected=self.connected)
        self._opener = opener
        self._sharing = sharing
        self._key = key
        self._eras = eras
        self.known = known
        self._listed: Catalogue | None = None
        self.signs = Signs()
        self._generations = Generations(self.name, spawn, way, self._failed)
        self._on_roots_wanted = on_roots_wanted
        self._on_state_lost = on_state_lost
        self._loop = loop
        self._telemetry = telemetry
        self.opening: Opening | None = None
        """Gets None when a connection is ready, or why there will be none; a recovery is one, however many attempts."""
        self._revival = Revival(lambda: self.terms.budget, chance, self._attempt_by_itself, loop)
        self._recovering = False
        """It was lost, and is being brought back by itself."""
        self._by_itself = False
        """Nobody asked for the start that is under way."""
        self._answers_before = 0
        self._heartbeat = Heartbeat(self, loop)
        self.timed_out = self._heartbeat.timed_out
        self._revisions = itertools.count(1)

    def __repr__(self) -> str:
        return (
            f"<Backend {self.name} [{self.state}, generation {self.generation}, "
            f"{self.holders.leases} leases, {self.in_flight} in flight]>"
        )

    @property
    def catalogue(self) -> Catalogue | None:
        """The list of tools to show: what it listed last or, until then, what is known of its kind."""
        return self._listed or self.known.catalogue

    def adapt(self, terms: Terms) -> None:
        """Take the newest terms. What of them is view counts from now or from the next start, and restarts nothing."""
        beats_otherwise = terms.heartbeat != self.terms.heartbeat
        self.terms = terms
        if beats_otherwise and self.current is not None:
            self._heartbeat.watch(self.current)

    # ------------------------------------------------------------------ a connection to use

    async def connected(self) -> Connection:
        """The current connection; starts one if there is none. Any number of callers wait for the same start.

        While a lost one is brought back, they wait for that, at most `startup_timeout`.

        Raises:
            ServerUnavailable: it could not be started, is being stopped, or rests because it ended too often.
            AuthRequired: it wants credentials that only a person can get.
        """
        patience = self._loop.time() + self.terms.startup_timeout
        while True:
            connection = self.current
            if connection is not None:
                if connection.alive:
                    return connection
                self.lost(connection, ConnectionLost(self.name, "is gone", sent=False))
            opening = self.opening or self._start()
            try:
                async with asyncio.timeout_at(patience if self._recovering else None):
                    error = await asyncio.shield(opening)
            except TimeoutError:
                what = f"it could not be started again within {self.terms.startup_timeout:g} s; it is still being tried"
                raise ServerUnavailable(self.name, f"{what}; last: {self.last_error}") from None
            if error is not None:
                raise error.anew()

    def begin(self) -> None:
        """Start it in the background, if it is not running. What failed or was refused is not tried again at once."""
        absent = self.opening is None and self.current is None and not self._ending
        if absent and self._loop.time() >= self._revival.retry_at:
            self._start()

    def _start(self) -> Opening:
        """Somebody wants it.

        Raises:
            ServerUnavailable: it must not be started now.
        """
        if self.requests.closed:
            raise ServerUnavailable(self.name, REPLACED)
        if self.state in _ENDING:
            raise ServerUnavailable(self.name, "is being stopped, because its configuration was replaced")
        if not self._revival.admits:
            raise ServerUnavailable(self.name, self._revival.why_resting(self.name, self.last_error or "it ended"))
        self._by_itself = False
        opening = self.opening = self._loop.create_future()
        self._attempt(opening)
        return opening

    def _attempt(self, opening: Opening) -> None:
        self._revival.cancel()
        self.state = after(self.state, Event.WANTED)
        self.generation += 1
        if self._telemetry is not None and self.generation > 1:
            self._telemetry.restarting(self.name)
        generation = self.generation
        self._generations.begin(opening, lambda: self._live(opening, generation, self._eras.of(self._key)))

    async def _live(self, opening: Opening, generation: int, remembered: Era | None) -> ServerUnavailable | None:
        while True:
            connection = Connection(
                self.terms,
                generation,
                self.holders,
                self._sharing,
                revision=self._revisions.__next__,
                on_lost=self.lost,
                on_relisted=self._relisted,
                on_roots_wanted=self._on_roots_wanted,
                loop=self._loop,
            )
            self.signs.newest = connection
            opened: Opening = self._loop.create_future()
            opened.add_done_callback(lambda done, c=connection: self._publish(c, done, opening))
            if self._telemetry is not None:
                self._telemetry.connecting(self.name, generation, opened)
            await connection.own(self._opener, remembered, opened)
            error = opened.result()
            if error is None and not opening.done():
                error = connection.unavailable(
                    f"it {connection.why_lost} as soon as it was ready", connection.look_closer
                )
            if error is not None and connection.ended_while_probed and remembered != "handshake":
                remembered = "handshake"
                continue
            return error

    def _publish(self, connection: Connection, opened: Opening, opening: Opening) -> None:
        if opened.cancelled() or opened.result() is not None:
            return
        if opening is not self.opening:
            connection.end()  # it was stopped in the moment when it was ready
            return
        if not connection.alive:
            return
        self.state = after(self.state, Event.CONNECTED)
        self.current = connection
        self.session = connection.session
        self._listed = connection.catalogue
        self.known.learn(connection.catalogue)
        self.last_error = None
        self._recovering = False
        self.ready_at = self._loop.time()
        self._answers_before = connection.engine.statistics().answers
        if not self._by_itself:
            self.requests.last_used = self.ready_at
        self._eras.learn(self._key, connection.session.era)
        self._heartbeat.watch(connection)
        opening.set_result(None)

    def _relisted(self, connection: Connection) -> None:
        if connection is self.current:
            self._listed = connection.catalogue

    # ------------------------------------------------------------------ when it ends unasked

    def lost(self, connection: Connection, lost: ConnectionLost) -> None:
        """A connection is over although nobody asked for it. While there are leases another takes its place."""
        if connection is not self.current:
            return
        self._part_with(connection)
        self.opening = None
        self._blame("; ".join(part for part in (f"it {lost.reason}", connection.last_words) if part))
        self.state = after(self.state, Event.LOST)
        served = connection.engine.statistics().answers > self._answers_before
        self._revival.ended(ready_for=self._loop.time() - self.ready_at, served=served)
        if self._revival.resting:
            self.state = after(self.state, Event.CONNECT_FAILED)
        elif self.holders and not self._ending:
            self._recovering = True
            self.opening = self._loop.create_future()
            self._revival.later()

    def refused(self, connection: Connection, error: AuthRequired) -> None:
        """A connection is of no use without other credentials. Nothing is started until somebody wants it again.

        What is not covered by credentials that are otherwise good is its caller's concern alone.
        """
        if connection is self.current and not error.scopes:
            connection.retire()
            self._part_with(connection)
            self.opening = None
            self._blame(error.message)
            self._revival.pause()
            self.state = after(self.state, Event.REFUSED)

    def _failed(self, opening: Opening, error: ServerUnavailable) -> None:
        if self._eras.of(self._key) == "modern":
            self._eras.forget(self._key)  # a remembered handshake that is refused is followed by a probe as it is
        if opening is self.opening:
            self._blame(error.message)
            if isinstance(error, AuthRequired):
                self._revival.pause()
                self.state = after(self.state, Event.REFUSED)
            else:
                self.state = after(self.state, Event.CONNECT_FAILED)
                self._revival.ended(ready_for=None)
                if self._revival.resting:
                    error = ServerUnavailable(self.name, self._revival.why_resting(self.name, error.message))
                elif self.holders:
                    self._revival.later()
                    if self._recovering:
                        return
            self.opening = None
            self._recovering = False
        if not opening.done():
            opening.set_result(error)

    def _attempt_by_itself(self) -> None:
        opening = self.opening
        if not self.holders or self._ending:
            self.opening, self._recovering = None, False
            if opening is not None:
                opening.set_result(None)  # whoever waits without a lease starts it anew
            return
        if opening is None:
            opening = self.opening = self._loop.create_future()
        self._by_itself = True
        self._attempt(opening)

    def _part_with(self, connection: Connection) -> None:
        self._generations.leave(connection)
        self.current = None
        self.lives += 1
        self._heartbeat.rest()
        self._on_state_lost()
        self._sharing.moved()

    @property
    def retry_at(self) -> float | None:
        """When it will be, or may be, started again, in the loop's time; None if nothing stands in the way."""
        waits = self.state in (State.FAILED, State.DISCONNECTED) and self._revival.retry_at > self._loop.time()
        return self._revival.retry_at if waits else None

    @property
    def _ending(self) -> bool:
        return self.state in _ENDING or self.requests.closed

    @property
    def resting(self) -> bool:
        """Whether the circuit is open: it ended too often, and only the first call after `retry_at` tries it again."""
        return self._revival.resting and self.current is None

    @property
    def restarts(self) -> bool:
        """Whether it runs again, or is about to."""
        return self._recovering or self.state in _RUNNING

    def forgive(self) -> None:
        """Whatever was: it may be tried at once, and its budget is whole."""
        self._revival.forgive()
        self.known.window.close()

    # ------------------------------------------------------------------ the end

    def stop(self, *, retire: bool) -> Coroutine[Any, Any, None]:
        """End the process; await the result to wait until it is gone. With `retire` it never starts again.

        From the call on no request uses what is ended: who still waited for it to start gets the next one.
        """
        self.state = after(self.state, Event.RETIRED if retire else Event.UNUSED)
        self._revival.cancel()
        if self.current is not None:
            self._part_with(self.current)
        owners = self._generations.end()
        if self.opening is not None and not self.opening.done():
            self.opening.set_result(None)
        self.opening, self._recovering = None, False
        return self._gone(owners, retire)

    async def give_way(self, patience: float) -> None:
        """End for another to take its place: when the requests under way are done, but in `patience` seconds.

        Further ones are refused from now on; they are for the other.
        """
        await self.requests.run_dry(patience)
        await self.stop(retire=True)

    async def _gone(self, owners: Collection[asyncio.Task[None]], retire: bool) -> None:
        if owners:
            await asyncio.wait(owners)
        self.requests.rest()
        if retire:
            self.state = after(self.state, Event.ENDED)

    # ------------------------------------------------------------------ seeing it

    @property
    def in_flight(self) -> int:
        """Requests that are under way, or wait for it to start."""
        return self.requests.in_flight

    @property
    def last_used(self) -> float:
        """When the last request ended."""
        return self.requests.last_used

    @property
    def starting(self) -> bool:
        """Whether somebody wanted a connection that is not ready yet."""
        return self.state in _STARTING

    @property
    def running(self) -> bool:
        """Whether it has, or is getting, a process or endpoint."""
        return self.state in _RUNNING

    def status(self) -> BackendStatus:
        """A snapshot for people."""
        return describe(self, self._loop.time())

    def _blame(self, what: str) -> None:
        self.last_error = what
        self.trouble = Trouble(what, self._loop.time())
