"""One MCP client on a byte stream (a shim on the Unix socket): JSON-RPC by lines, in both eras."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mcpool.gateway import names
from mcpool.gateway.app import Gateway
from mcpool.gateway.capabilities import client_facts
from mcpool.gateway.client_session import ClientSession
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import REQUEST_CANCELLED, Failure, Refusal, failure_of
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import Message, decode, failure_message, id_in, key_of, result_message
from mcpool.gateway.modern_envelope import read_context
from mcpool.gateway.modern_sessions import ModernSessions
from mcpool.gateway.outbox import Kind
from mcpool.gateway.request_params import capabilities_of, read_params, revision_for
from mcpool.gateway.tasks import Tasks
from mcpool.wire.revisions import BATCHING, INTERNAL_ERROR, INVALID_REQUEST, META_PROTOCOL_VERSION

_log = logging.getLogger(__name__)
_DROPPABLE = frozenset({Kind.LATEST, Kind.LOG})


class StreamOutlet:
    """The client's stream. While it does not read, progress and log lines are left out; the rest is written."""

    def __init__(self, write: Callable[[bytes], None], backlog: Callable[[], int], limits: Limits) -> None:
        self._write = write
        self._backlog = backlog
        self._limits = limits
        self.dropped = 0
        self.closed = False

    @property
    def is_open(self) -> bool:
        return not self.closed

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Write a message, or leave it out."""
        if self.closed:
            return
        if kind in _DROPPABLE and self._backlog() > self._limits.backlog_bytes // 2:
            self.dropped += 1
            return
        self._write(message + b"\n")


class StreamClient:
    """Takes the client's lines and writes its own. Made on the event loop; ended by `close()`.

    A client that begins with `initialize` has one handshake session; one that sends its context with each request is
    served as 2026-07-28 has it. Both share the thread's folder `cwd`, and end with the stream.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        route: str | None,
        whole: bool = False,
        cwd: str,
        principal: str,
        write: Callable[[bytes], None],
        backlog: Callable[[], int] = lambda: 0,
    ) -> None:
        """`route` is a server's name, None for all servers; with `whole` it is offered all of it, whatever is said of
        its principal. `write` takes whole lines and never waits; how many bytes of them have not left yet is what
        `backlog` tells."""
        self._gateway = gateway
        self._limits = gateway.limits
        self._views = gateway.whole_views if whole else gateway.views
        self._route = route
        self._cwd = cwd
        self._principal = principal
        self._outlet = StreamOutlet(write, backlog, gateway.limits)
        self._tasks = Tasks()
        self._revision = ""
        self._session: ClientSession | None = None
        self._modern = ModernSessions(
            gateway.host, self._views, gateway.limits, gateway.parking(alone=True), cwd=cwd, outlet=self._outlet
        )

    def on_line(self, line: bytes) -> None:
        """Take one line of the client, without its end."""
        if self._outlet.closed or not line.strip():
            return
        try:
            message = decode(line, self._limits.batch if self._revision == BATCHING else 0)
        except Failure as failure:
            self._say(failure_message(id_in(line), failure))
            return
        if isinstance(message, list):
            self._tasks.start(self._batch(message))
        elif message.is_request:
            self._request(message)
        else:
            self._hear(message)

    async def close(self) -> None:
        """The client is gone: cancel what it still waits for and give its thread back. Safe to call twice."""
        self._outlet.closed = True
        if self._session is not None:
            await self._session.close("the client has gone")
        await self._modern.close()
        await self._tasks.close()

    # ------------------------------------------------------------------ requests

    def _request(self, message: Message) -> None:
        try:
            if message.method == names.INITIALIZE:
                # At once, not in the task: what the client sends without waiting for the answer has its session then.
                self._tasks.start(self._initialize(bytes(message.id), self._open(message)))
                return
            if self._session is None or self._means_modern(message):
                self._tasks.start(self._modern_request(message))
                return
            exchange = self._session.begin(message, self._outlet)
        except Failure as failure:
            self._say(failure_message(bytes(message.id), failure))
            return
        self._tasks.start(self._perform(self._session, exchange))

    def _means_modern(self, message: Message) -> bool:
        """Whether a message carries its own context. Only looked for where the name of it is in the bytes."""
        if META_PROTOCOL_VERSION.encode() not in bytes(message.params):
            return False
        meta = read_params(message)[1]
        return meta is not None and META_PROTOCOL_VERSION in meta

    async def _perform(self, session: ClientSession, exchange: Exchange) -> None:
        answer, code = await session.perform(exchange)
        if code != REQUEST_CANCELLED or exchange.cancelled is None or session.closed:
            self._say(answer)

    async def _modern_request(self, message: Message) -> None:
        id_ = bytes(message.id)
        try:
            key_of(message.id, self._limits.id_bytes)
            if self._session is None and not self._means_modern(message) and message.method != names.DISCOVER:
                raise Failure(INVALID_REQUEST, "begin with `initialize`, or send `_meta` with each request")
            fields, meta = read_params(message)
            context = read_context(message, fields, meta, None)
            session = await self._modern.of(self._principal, self._route, context)
            exchange = session.begin(message, self._outlet)
        except Refusal as refusal:
            self._say(failure_message(id_, Failure(INTERNAL_ERROR, refusal.message)))
        except Failure as failure:
            self._say(failure_message(id_, failure))
        else:
            await self._perform(session, exchange)

    async def _batch(self, messages: list[Message]) -> None:
        session = self._session
        assert session is not None
        answers: list[bytes] = []

        async def one(message: Message) -> None:
            try:
                if message.method == names.INITIALIZE:
                    raise Failure(INVALID_REQUEST, "`initialize` cannot be part of a batch")
                exchange = session.begin(message, self._outlet)
            except Failure as failure:
                answers.append(failure_message(bytes(message.id), failure))
                return
            answer, code = await session.perform(exchange)
            if code != REQUEST_CANCELLED:
                answers.append(answer)

        async with asyncio.TaskGroup() as tasks:
            for message in messages:
                if message.is_request:
                    tasks.create_task(one(message))
                else:
                    self._hear(message)
        if answers:
            self._say(b"[%b]" % b",".join(answers))

    async def _initialize(self, id_: bytes, session: ClientSession) -> None:
        try:
            answer = result_message(id_, await session.initialize(self._revision))
        except BaseException as error:
            self._session = None
            await session.close("`initialize` failed")
            if not isinstance(error, Exception):
                raise
            failure = failure_of(error)
            if failure is None:
                _log.error("a client could not be initialized", exc_info=error)
                failure = Failure(INTERNAL_ERROR, "internal error; see the daemon's log")
            answer = failure_message(id_, failure)
        self._say(answer)

    def _open(self, message: Message) -> ClientSession:
        if self._session is not None:
            raise Failure(INVALID_REQUEST, "this session is initialized already")
        key_of(message.id, self._limits.id_bytes)
        fields, _ = read_params(message)
        self._revision = revision_for(fields)
        facts, wants_roots = client_facts(capabilities_of(fields, "capabilities"))
        self._session = ClientSession(
            self._gateway.host,
            self._views.of(self._route, self._principal),
            self._limits,
            principal=self._principal,
            cwd=self._cwd,
            facts=facts,
            wants_roots=wants_roots,
            outlet=self._outlet,
        )
        return self._session

    # ------------------------------------------------------------------ the rest

    def _hear(self, message: Message) -> None:
        """A notification, or the answer to a question."""
        if not message.method:
            if self._session is not None:
                try:
                    self._session.responded(message)
                except Failure as failure:
                    _log.info("an answer of a client cannot be used: %s", failure.message)
            return
        if self._session is not None:
            self._session.notified(message)
        for session in self._modern:
            session.notified(message)

    def _say(self, message: bytes) -> None:
        self._outlet.put(Kind.ANSWER, message)
