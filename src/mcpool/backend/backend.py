"""One server kept alive behind an identity: it owns at most one connection, and every request goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from mcpool.backend.connection import Connection, Opener, Terms
from mcpool.backend.deadlines import Deadlines, Waiting
from mcpool.backend.eras import Eras
from mcpool.backend.holder import CallSink, Holder
from mcpool.backend.holders import Holders
from mcpool.backend.lifecycle import Event, State, after
from mcpool.backend.resend import Attempt, Failure, Verdict, verdict
from mcpool.backend.status import BackendStatus
from mcpool.backend.tools import Catalogue
from mcpool.config.server import Retry
from mcpool.errors import CallOutcomeUnknown, CallTimeout, RpcError, ServerError, ServerUnavailable
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.paging import read_pages
from mcpool.wire.revisions import METHOD_NOT_FOUND
from mcpool.wire.session import Era, Session

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that the pool owns and awaits."""

CANCELLED = "the client cancelled the request"
TIMED_OUT = "no answer within the time-out"

_RUNNING = (State.CONNECTING, State.READY, State.RECONNECTING)
_STARTING = (State.CONNECTING, State.RECONNECTING)
_ENDING = (State.STOPPING, State.STOPPED)


_BACK_OFF_FIRST = 0.5
_BACK_OFF_MOST = 30.0
"""Seconds until a start that failed is repeated by itself. A request that needs the server repeats it at once."""


def _given_up(server: str, method: str, lost: ConnectionLost, judged: Verdict) -> ServerError:
    if judged == "not_run":
        return ServerUnavailable(server, f"it {lost.reason} before {method} could be sent, twice in a row")
    return CallOutcomeUnknown(
        server, f"it {lost.reason} after {method} was sent; that may have run, and was not sent again"
    )


class Backend:
    """A supervised server. Started by the first request or `connected()`; started again by the next one after it died.

    All methods must be called from the event loop that the pool runs on.
    """

    def __init__(
        self,
        terms: Terms,
        opener: Opener,
        *,
        key: object,
        eras: Eras,
        spawn: Spawn,
        on_roots_wanted: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.terms = terms
        self.name = terms.server
        self.state = State.IDLE
        self.generation = 0
        self.in_flight = 0
        self.last_used = loop.time()
        self.last_error: str | None = None
        self.catalogue: Catalogue | None = None
        """The last list of tools that is known, from whichever generation."""
        self.session: Session | None = None
        """The last session, for what it knows of the server."""
        self.holders = Holders()
        self._opener = opener
        self._key = key
        self._eras = eras
        self._spawn = spawn
        self._on_roots_wanted = on_roots_wanted
        self._loop = loop
        self._connection: Connection | None = None
        self._opening: asyncio.Future[ServerUnavailable | None] | None = None
        self._owners: dict[asyncio.Task[None], asyncio.Future[ServerUnavailable | None]] = {}
        self._deadlines = Deadlines(loop, self._expire)
        self._revision = 0
        self._failures = 0
        self._retry_at = 0.0
        self._grace_until: float | None = None

    def __repr__(self) -> str:
        return (
            f"<Backend {self.name} [{self.state}, generation {self.generation}, "
            f"{self.holders.leases} leases, {self.in_flight} in flight]>"
        )

    # ------------------------------------------------------------------ a connection to use

    async def connected(self) -> Connection:
        """The current connection; starts one if there is none. Any number of callers wait for the same start.

        Raises:
            ServerUnavailable: it could not be started, or is being stopped.
        """
        while True:
            connection = self._connection
            if connection is not None:
                if connection.alive:
                    return connection
                self._connection_lost(connection, ConnectionLost(self.name, "is gone", sent=False))
            if self._opening is None:
                self._start()
            assert self._opening is not None
            error = await asyncio.shield(self._opening)
            if error is not None:
                raise ServerUnavailable(error.server, error.message)

    def begin(self) -> None:
        """Start it in the background, if it is not running. A start that failed is not repeated at once."""
        if self._opening is None and self.state not in _ENDING and self._loop.time() >= self._retry_at:
            self._start()

    def begin_unseen(self, grace: float) -> asyncio.Future[ServerUnavailable | None] | None:
        """Start a server whose tools were never seen, and return its start if it is still worth waiting for.

        All threads share one `grace`, in seconds, counted from the first that wanted to see it.
        """
        self.begin()
        if self._opening is None or self._opening.done():
            return None
        now = self._loop.time()
        if self._grace_until is None:
            self._grace_until = now + grace
        return self._opening if now < self._grace_until else None

    def _start(self) -> None:
        if self.state in _ENDING:
            raise ServerUnavailable(self.name, "is being stopped, because its configuration was replaced")
        self.state = after(self.state, Event.WANTED)
        self.generation += 1
        opening = self._opening = self._loop.create_future()
        owner = self._spawn(self._run(opening, tuple(self._owners), self.generation))
        self._owners[owner] = opening
        owner.add_done_callback(self._owners.pop)

    async def _run(
        self, opening: asyncio.Future[ServerUnavailable | None], before: Collection[asyncio.Task[None]], generation: int
    ) -> None:
        """The life of one generation. The processes of those before are gone when this one starts."""
        try:
            if before:
                await asyncio.wait(before)
            error = await self._live(opening, generation, self._eras.of(self._key))
        except asyncio.CancelledError:
            if not opening.done():
                opening.set_result(ServerUnavailable(self.name, "was stopped while it started"))
            raise
        except Exception as defect:
            if not opening.done():
                what = f"could not be started: {type(defect).__name__}: {defect}"
                self._failed(opening, ServerUnavailable(self.name, what))
            raise
        if error is not None:
            self._failed(opening, error)

    async def _live(
        self, opening: asyncio.Future[ServerUnavailable | None], generation: int, remembered: Era | None
    ) -> ServerUnavailable | None:
        while True:
            connection = Connection(
                self.terms,
                generation,
                self.holders,
                revision=self._next_revision,
                on_lost=self._connection_lost,
                on_relisted=self._relisted,
                on_roots_wanted=self._on_roots_wanted,
                loop=self._loop,
            )
            opened: asyncio.Future[ServerUnavailable | None] = self._loop.create_future()
            opened.add_done_callback(lambda done, c=connection: self._publish(c, done, opening))
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

    def _publish(
        self,
        connection: Connection,
        opened: asyncio.Future[ServerUnavailable | None],
        opening: asyncio.Future[ServerUnavailable | None],
    ) -> None:
        if opened.cancelled() or opened.result() is not None:
            return
        if opening is not self._opening:
            connection.end()  # it was stopped in the moment when it was ready
            return
        if not connection.alive:
            return
        self.state = after(self.state, Event.CONNECTED)
        self._connection = connection
        self.session = connection.session
        self.catalogue = connection.catalogue
        self.last_error = None
        self._failures = 0
        self.last_used = self._loop.time()
        self._eras.learn(self._key, connection.session.era)
        opening.set_result(None)

    def _failed(self, opening: asyncio.Future[ServerUnavailable | None], error: ServerUnavailable) -> None:
        self.last_error = error.message
        self._failures += 1
        self._retry_at = self._loop.time() + min(_BACK_OFF_FIRST * 2 ** (self._failures - 1), _BACK_OFF_MOST)
        self._eras.forget(self._key)
        if opening is self._opening:
            self._opening = None
            self.state = after(self.state, Event.CONNECT_FAILED)
        if not opening.done():
            opening.set_result(error)

    def _next_revision(self) -> int:
        self._revision += 1
        return self._revision

    def _relisted(self, connection: Connection) -> None:
        if connection is self._connection:
            self.catalogue = connection.catalogue

    def _connection_lost(self, connection: Connection, lost: ConnectionLost) -> None:
        if connection is not self._connection:
            return
        connection.end()
        self._connection = None
        self._opening = None
        self.last_error = "; ".join(part for part in (f"it {lost.reason}", connection.last_words) if part)
        if self.state is State.READY:
            self.state = after(self.state, Event.LOST)

    # ------------------------------------------------------------------ requests

    async def request(
        self,
        method: str,
        fields: Mapping[str, bytes | msgspec.Raw],
        *,
        holder: Holder,
        timeout: float,
        meta: Mapping[str, bytes | msgspec.Raw] | None = None,
        sink: CallSink | None = None,
        progress: bool = False,
        check: Callable[[Connection], None] | None = None,
        tool: str | None = None,
        retry: Retry = "safe",
    ) -> bytes:
        """Send a request and return the raw result. Cancelling the caller, and the time-out, tell the server.

        A request that was lost is sent once more, over a new connection, where `resend` says so: `tool` is the one that
        it calls, `retry` what the configuration says of it. `check` sees the connection before each sending, and raises
        what the caller shall get if it must not be used.

        Raises:
            ServerUnavailable: it could not be started, or the connection was lost before the request was sent.
            CallOutcomeUnknown: the connection was lost after the request was sent.
            CallTimeout: no answer in `timeout` seconds, not counting those in which `holder` was asked something.
            RpcError: the server answered with an error.
            MessageTooLarge: the answer, or the request, is over the limit.
        """
        self.in_flight += 1
        try:
            resent = False
            while True:
                connection = self._connection or await self._connected_within(timeout)
                if check is not None:
                    check(connection)
                call = connection.session.call(
                    method,
                    fields,
                    meta=meta,
                    progress=progress,
                    sink=sink,
                    owner=holder,
                    capabilities=holder.client.raw,
                    log_level=self.holders.level_of(holder),
                )
                waiting = Waiting(call, connection.engine, connection.questions, holder, timeout, self._loop.time())
                self._deadlines.add(waiting)
                try:
                    return await call.future
                except ConnectionLost as lost:
                    if not connection.alive:
                        self._connection_lost(connection, lost)
                    failure = Failure.LOST if lost.sent else Failure.UNSENT
                    hints = None if tool is None else connection.annotations(tool)
                    if (judged := verdict(Attempt(method, failure, resent, retry, hints))) != "resend":
                        raise _given_up(self.name, method, lost, judged) from None
                    resent = True
                except asyncio.CancelledError:
                    connection.engine.cancel(call, CANCELLED)
                    raise
                finally:
                    self._deadlines.discard(waiting)
        finally:
            self.in_flight -= 1
            self.last_used = self._loop.time()

    async def _connected_within(self, timeout: float) -> Connection:
        try:
            async with asyncio.timeout(timeout):
                return await self.connected()
        except TimeoutError:
            raise CallTimeout(self.name, f"did not start within the request's time-out of {timeout:g} s") from None

    def _expire(self, waiting: Waiting) -> None:
        call = waiting.call
        if not call.future.done():
            what = f"no answer to {call.method} within {waiting.timeout:g} s; it was told to stop, and may have run"
            call.future.set_exception(CallTimeout(self.name, what))
            waiting.engine.cancel(call, TIMED_OUT)

    async def list_all(self, method: str, key: str, *, holder: Holder, timeout: float) -> tuple[bytes, ...]:
        """The raw items of all pages of a list; `timeout` seconds for each page.

        Raises: as `request`, and BadAnswer if the list is malformed or has no end.
        """
        return await read_pages(
            self.name, method, key, lambda fields: self.request(method, fields, holder=holder, timeout=timeout)
        )

    # ------------------------------------------------------------------ what holders want

    def leave(self, holder: Holder) -> None:
        """Take back one lease. With a holder's last one its wishes go, and the questions that it has not answered."""
        level, uris = self.holders.level_of(holder), self.holders.uris_of(holder)
        if self.holders.remove(holder) and self._connection is not None:
            self._connection.questions.forget(holder)
            if uris or level is not None:
                self._connection.withdraw(uris)

    def carry_over(self, holder: Holder, level: str | None, uris: Iterable[str]) -> None:
        """A holder comes with what it asked of another backend, which this one replaces."""
        before = self.holders.lowest_level, self.holders.uris
        if level is not None:
            self.holders.set_level(holder, level)
        for uri in uris:
            self.holders.subscribe(holder, uri)
        if self._connection is not None and before != (self.holders.lowest_level, self.holders.uris):
            self._connection.restore_soon()

    async def set_level(self, holder: Holder, level: str | None) -> None:
        """Let `holder` hear log messages of this severity and above; the server logs at the lowest wanted.

        Raises:
            RpcError, CallTimeout: the server refuses, or does not answer.
        """
        self.holders.set_level(holder, level)
        if self._connection is not None:
            with suppress(ConnectionLost):  # the next connection is told when it starts
                await self._connection.apply_level()

    async def subscribe(self, holder: Holder, uri: str, timeout: float) -> None:
        """Let `holder` hear of updates of a resource. The server is asked only for the first holder.

        Raises: as `request`.
        """
        connection = await self.connected()
        if not self.holders.subscribe(holder, uri):
            return
        try:
            if connection.session.era == "modern":
                with suppress(ConnectionLost):  # the next connection is told when it starts
                    await connection.listen()
            else:
                fields = {"uri": msgspec.json.encode(uri)}
                await self.request("resources/subscribe", fields, holder=holder, timeout=timeout)
        except BaseException:
            if uri in self.holders.uris_of(holder) and not self.holders.unsubscribe(holder, uri):
                connection.restore_soon()  # others joined meanwhile, and relied on this request
            raise

    async def unsubscribe(self, holder: Holder, uri: str, timeout: float) -> None:
        """The opposite of `subscribe`. The server is told only for the last holder."""
        if not self.holders.unsubscribe(holder, uri) or self._connection is None:
            return
        if self._connection.session.era == "modern":
            with suppress(ConnectionLost):
                await self._connection.listen()
            return
        try:
            fields = {"uri": msgspec.json.encode(uri)}
            await self.request("resources/unsubscribe", fields, holder=holder, timeout=timeout)
        except RpcError as error:
            if error.code != METHOD_NOT_FOUND:
                raise

    # ------------------------------------------------------------------ the end

    def stop(self, *, retire: bool) -> Coroutine[Any, Any, None]:
        """End the process; await the result to wait until it is gone. With `retire` it never starts again.

        From the call on no request uses what is ended: who still waited for it to start gets the next one.
        """
        self.state = after(self.state, Event.RETIRED if retire else Event.UNUSED)
        connection, self._connection = self._connection, None
        self._opening = None
        if connection is not None:
            connection.end()
        for owner, opening in self._owners.items():
            if not opening.done():
                opening.set_result(None)
                owner.cancel()
        return self._gone(tuple(self._owners), retire)

    async def _gone(self, owners: Collection[asyncio.Task[None]], retire: bool) -> None:
        if owners:
            await asyncio.wait(owners)
        self._deadlines.rest()
        if retire:
            self.state = after(self.state, Event.ENDED)

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
        connection = self._connection
        return BackendStatus(
            self.name,
            self.state,
            connection.link.pid if connection is not None and connection.link is not None else None,
            self.generation,
            max(0, self.generation - 1),
            self.holders.leases,
            self.in_flight,
            self.last_error,
            connection.notes if connection is not None else (),
        )
