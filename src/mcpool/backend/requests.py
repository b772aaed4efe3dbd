"""The requests of all holders of one backend: sent, watched, and sent again where that is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, TypedDict

import msgspec

from mcpool.backend.connection import SANDBOX_STATE, Connection
from mcpool.backend.connection_leases import ConnectionLeases
from mcpool.backend.deadlines import Deadlines, ExtendedByProgress, Waiting
from mcpool.backend.failures import failure_of, wait_before_resending
from mcpool.backend.heartbeat import CHECK_TIMEOUT
from mcpool.backend.holder import CallSink, Holder
from mcpool.backend.holders import Holders
from mcpool.backend.latency import Latencies
from mcpool.backend.resend import MAY_HAVE_RUN, TOOL_CALL, Attempt, Verdict, verdict
from mcpool.config.server import Retry
from mcpool.errors import AuthRequired, CallOutcomeUnknown, CallTimeout, ServerError, ServerUnavailable
from mcpool.telemetry import Telemetry
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.refused import HttpRefused

CANCELLED = "the client cancelled the request"
TIMED_OUT = "no answer within the time-out"
REPLACED = "gives way to a fresh process and takes no more requests; nothing was sent, and the next step uses that one"

Fields = Mapping[str, bytes | msgspec.Raw]


class NeverSent(ServerUnavailable):
    """The connection was lost before the request was sent, twice in a row. That is its own bad luck: another may fare
    better."""


class Details(TypedDict, total=False):
    """What may be said of a request besides what it is; see `Requests.send`."""

    timeout_max: float | None
    meta: Fields | None
    sandbox: bytes | None
    sink: CallSink | None
    progress: bool
    check: Callable[[Connection], None] | None
    tool: str | None
    retry: Retry


class Server(Protocol):
    """What requests need of the backend that they are for."""

    name: str
    holders: Holders
    current: Connection | None

    async def connected(self) -> Connection:
        """The current connection, or the next."""
        ...

    def lost(self, connection: Connection, lost: ConnectionLost) -> None:
        """A request met a connection that is dead."""
        ...

    def refused(self, connection: Connection, error: AuthRequired) -> None:
        """A request was not let in."""
        ...

    def timed_out(self, waiting: Waiting) -> None:
        """A request was given up that nobody answered."""
        ...

    @property
    def restarts(self) -> bool:
        """Whether it runs again, or is about to."""
        ...


class Requests:
    """Counts them, gives each its one deadline, and follows the rules of `resend`."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, telemetry: Telemetry | None = None) -> None:
        self.in_flight = 0
        self.last_used = loop.time()
        """When the last one ended."""
        self.latencies = Latencies()
        self._server = server
        self._loop = loop
        self._telemetry = telemetry
        self._deadlines = Deadlines(loop, self._expire)
        self.closed = False
        """No further ones are let in."""
        self._none_left: asyncio.Future[None] | None = None

    async def send(
        self,
        method: str,
        fields: Fields,
        *,
        holder: Holder,
        timeout: float,
        timeout_max: float | None = None,
        meta: Fields | None = None,
        sandbox: bytes | None = None,
        sink: CallSink | None = None,
        progress: bool = False,
        check: Callable[[Connection], None] | None = None,
        tool: str | None = None,
        retry: Retry = "safe",
    ) -> bytes:
        """Send a request and return the raw result. Cancelling the caller, and the time-out, tell the server.

        A request that was lost is sent once more, over a new connection, where `resend` says so: `tool` is the one that
        it calls, `retry` what the configuration says of it. `check` sees the connection before each sending, and raises
        what the caller shall get if it must not be used. `timeout` seconds are for all of it; with `timeout_max` they
        count from the last progress, up to so many. `sandbox` is told with calls to servers that want to know it.

        Raises:
            ServerUnavailable: it could not be started, or the connection was lost before the request was sent.
            CallOutcomeUnknown: the connection was lost after the request was sent, or something on the way failed.
            CallTimeout: no answer in `timeout` seconds, not counting those in which `holder` was asked something.
            RpcError: the server answered with an error.
            MessageTooLarge: the answer, or the request, is over the limit.
        """
        server = self._server
        if self.closed:
            raise ServerUnavailable(server.name, REPLACED)
        lost: ConnectionLost | ServerError | None = None
        left = timeout
        asked_at = sent_at = self._loop.time()
        trace = None
        if self._telemetry is not None:
            trace = self._telemetry.request(server.name, method, tool, fields, meta)
            meta = trace.meta
        self.in_flight += 1
        try:
            while True:
                connection = server.current
                if connection is None or lost is not None:
                    begun = self._loop.time()
                    connection = await self._connected_again(method, tool, lost, left, timeout)
                    sent_at = self._loop.time()
                    left -= sent_at - begun
                if check is not None:
                    check(connection)
                told = meta
                if connection.leases is not None:
                    begun = self._loop.time()
                    lease = await self._lease(connection, connection.leases, holder, left)
                    sent_at = self._loop.time()
                    left -= sent_at - begun
                    if lease is None:
                        continue
                    told = {**(meta or {}), **lease}
                if sandbox is not None and connection.wants_sandbox_state and method == TOOL_CALL:
                    told = {**(told or {}), SANDBOX_STATE: sandbox}
                extended = None if timeout_max is None else ExtendedByProgress(sink, progress, connection.notified)
                call = connection.session.call(
                    method,
                    fields,
                    meta=told,
                    progress=progress or extended is not None,
                    sink=sink if extended is None else extended,
                    owner=holder,
                    capabilities=holder.client.raw,
                    log_level=server.holders.level_of(holder),
                )
                if trace is not None:
                    trace.sent(call.id, connection.session.version, connection.generation)
                waiting = Waiting.since(sent_at, call, connection.engine, connection.questions, holder, left, timeout)
                if extended is not None:
                    extended.waiting, waiting.most = waiting, timeout_max
                self._deadlines.add(waiting)
                try:
                    raw = await call.future
                    if trace is not None:
                        trace.answered(raw, self._loop.time() - asked_at)
                    return raw
                except (ConnectionLost, ServerError) as error:
                    if isinstance(error, ConnectionLost) and not connection.alive:
                        server.lost(connection, error)
                    elif isinstance(error, AuthRequired):
                        server.refused(connection, error)
                    hints = None if tool is None else connection.annotations(tool)
                    judged = verdict(Attempt(method, failure_of(error), lost is not None, retry, hints))
                    left = waiting.remaining(self._loop.time())
                    if judged != "resend" or wait_before_resending(error) >= left:
                        resent = lost is not None
                        raise self._given_up(method, tool, error, judged, connection, resent=resent) from None
                    lost = error
                    if trace is not None:
                        trace.resent(error)
                except asyncio.CancelledError:
                    connection.engine.cancel(call, CANCELLED)
                    connection.questions.abandoned(call)
                    raise
                finally:
                    self._deadlines.discard(waiting)
        except BaseException as error:
            if trace is not None:
                trace.failed(error, self._loop.time() - asked_at)
            raise
        finally:
            self.in_flight -= 1
            if self._none_left is not None and not self.in_flight and not self._none_left.done():
                self._none_left.set_result(None)
            self.last_used = now = self._loop.time()
            self.latencies.add(now - asked_at)

    async def _connected_again(
        self,
        method: str,
        tool: str | None,
        lost: ConnectionLost | ServerError | None,
        left: float,
        timeout: float,
    ) -> Connection:
        """Wait until the request can be sent: for the first time, or (after `lost`) once more."""
        server = self._server
        try:
            async with asyncio.timeout(left):
                if lost is not None:
                    await asyncio.sleep(wait_before_resending(lost))
                if isinstance(lost, ConnectionLost) and lost.sent and server.current is not None:
                    await self._look_at(server.current)
                return server.current or await server.connected()
        except TimeoutError:
            what = f"did not start within the request's time-out of {timeout:g} s"
            if lost is not None and failure_of(lost) in MAY_HAVE_RUN:
                what += "; the request may have run before"
            raise CallTimeout(server.name, what) from None
        except ServerUnavailable:
            if lost is not None and failure_of(lost) in MAY_HAVE_RUN:
                raise self._given_up(method, tool, lost, "unknown") from None
            raise

    async def _lease(
        self, connection: Connection, leases: ConnectionLeases, holder: Holder, left: float
    ) -> Mapping[str, bytes] | None:
        """What tells the server whose request this is; None if it is gone, and nothing was sent."""
        try:
            async with asyncio.timeout(left):
                return await leases.of(holder.conversation)
        except TimeoutError:
            raise CallTimeout(self._server.name, "it opened no lease in time; nothing else was sent") from None
        except ConnectionLost as error:
            self._server.lost(connection, error)
            return None

    async def _look_at(self, connection: Connection) -> None:
        """It lost an answer and goes on: the request is sent only once more, so not over what is about to end too."""
        try:
            await connection.session.check(timeout=CHECK_TIMEOUT)
        except ConnectionLost as error:
            if not connection.alive:
                self._server.lost(connection, error)
        except ServerError:
            return  # whatever keeps it from answering this, the request will meet and tell of

    def _given_up(
        self,
        method: str,
        tool: str | None,
        error: ConnectionLost | ServerError,
        judged: Verdict,
        connection: Connection | None = None,
        *,
        resent: bool = False,
    ) -> ServerError:
        """What the caller gets. `connection` is the one that the request was sent over last."""
        server = self._server
        if isinstance(error, ConnectionLost):
            what = f"it {error.reason}"
        elif judged == "unknown" and isinstance(error, HttpRefused):
            what = f"it answered {error.reason}"
        else:
            return error
        if judged == "not_run":
            return NeverSent(server.name, f"{what} before {method} could be sent, twice in a row")
        goes_on = connection is not None and connection.alive
        return CallOutcomeUnknown(
            server.name,
            what,
            method=method,
            tool=tool,
            restarted=server.restarts and not goes_on,
            connected=goes_on,
            resent=resent,
        )

    def _expire(self, waiting: Waiting) -> None:
        call = waiting.call
        if not call.future.done():
            what = f"no answer to {call.method} within {waiting.whole:g} s; it was told to stop, and may have run"
            call.future.set_exception(CallTimeout(self._server.name, what))
            waiting.engine.cancel(call, TIMED_OUT)
            self._server.timed_out(waiting)

    async def run_dry(self, patience: float) -> None:
        """Let no further ones in, and wait until those under way have ended, for `patience` seconds at most."""
        self.closed = True
        if self.in_flight:
            self._none_left = self._loop.create_future()
            await asyncio.wait([self._none_left], timeout=patience)

    def rest(self) -> None:
        """Nothing is in flight for a while."""
        self._deadlines.rest()
