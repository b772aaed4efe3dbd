"""Streamable HTTP of the handshake revisions: `initialize` opens a session, its id goes with all that follows."""

from __future__ import annotations

import asyncio

from mcpool.errors import ServerNotFound
from mcpool.gateway import names
from mcpool.gateway.failure import Failure, Refusal, failure_of
from mcpool.gateway.http import HttpRequest, accepts, send_empty, send_json
from mcpool.gateway.http_session import HttpSession
from mcpool.gateway.http_sessions import HttpSessions
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import Message, failure_message, key_of, result_message
from mcpool.gateway.outbox import Outbox, parse_event_id
from mcpool.gateway.pump import serve
from mcpool.gateway.reply import Reply
from mcpool.gateway.request_params import capabilities_of, read_params, revision_for
from mcpool.wire.revisions import BATCHING

_SESSION = b"mcp-session-id"


class Handshake:
    """Serves requests of handshake clients that passed the checks at the door."""

    def __init__(self, sessions: HttpSessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    def find(self, request: HttpRequest) -> HttpSession:
        """The session that a request names. Raises: as `HttpSessions.find`."""
        return self._sessions.find(request.headers.get(_SESSION), request.principal, request.route.server)

    async def post(self, request: HttpRequest, message: Message) -> None:
        """One message of the client."""
        if message.method == names.INITIALIZE and message.id:
            await self._initialize(request, message)
            return
        session = self.find(request)
        if message.is_request:
            await self._request(request, session, message)
            return
        if message.method:
            session.client.notified(message)
        else:
            session.client.responded(message)
        await send_empty(request.send, 202)

    async def batch(self, request: HttpRequest, messages: list[Message]) -> None:
        """Several messages of the client at once, where the revision allows it."""
        session = self.find(request)
        if session.revision != BATCHING:
            raise Refusal(400, f"batches are part of revision {BATCHING} only, this session speaks {session.revision}")
        requests = [message for message in messages if message.is_request]
        if any(message.method == names.INITIALIZE for message in requests):
            raise Refusal(400, "`initialize` cannot be part of a batch")
        for message in messages:
            if not message.method:
                session.client.responded(message)
            elif not message.id:
                session.client.notified(message)
        if not requests:
            await send_empty(request.send, 202)
            return
        reply = Reply(request, self._limits, accepts(request), new_outbox=session.new_outbox)
        try:
            async with asyncio.TaskGroup() as tasks:
                answers = [tasks.create_task(self._answer(session, message, reply)) for message in requests]
            body = [answer.result() for answer in answers]
            # In an event stream a message is a message; only JSON wants them as one value.
            await reply.finish_all(body)
        finally:
            await reply.close()
            _give_up(session, reply)

    async def get(self, request: HttpRequest) -> None:
        """Open, or resume, an event stream."""
        if not accepts(request).stream:
            raise Refusal(406, "the Accept header must allow text/event-stream")
        session = self.find(request)
        resumed = self._resumed(request, session)
        if resumed is not None and resumed.name is not None and resumed.name.startswith("p"):
            session.replay.hold(resumed)
            try:
                await serve(resumed, request.receive, request.send, self._limits)
            finally:
                if resumed.reader is None:
                    session.replay.give_up(resumed)
            return
        await session.streams.serve(request.receive, request.send, resumed, session.client.ask_roots)

    async def delete(self, request: HttpRequest) -> None:
        """End the session."""
        await self._sessions.delete(self.find(request))
        await send_empty(request.send, 200)

    async def _initialize(self, request: HttpRequest, message: Message) -> None:
        key_of(message.id, self._limits.id_bytes)
        fields, _ = read_params(message)
        revision = revision_for(fields)
        capabilities = capabilities_of(fields, "capabilities")
        session = self._sessions.create(request.principal, request.route.server, revision, capabilities)
        extra = ((_SESSION, session.id),)
        try:
            body = result_message(bytes(message.id), await session.client.initialize(revision))
        except Exception as error:
            self._sessions.forget(session)
            if isinstance(error, ServerNotFound):
                raise Refusal(404, str(error)) from None
            failure = failure_of(error)
            if failure is None:
                raise
            body, extra = failure_message(bytes(message.id), failure), ()
        except BaseException:
            self._sessions.forget(session)
            raise
        await send_json(request.send, 200, body, extra)

    async def _request(self, request: HttpRequest, session: HttpSession, message: Message) -> None:
        reply = Reply(request, self._limits, accepts(request), new_outbox=session.new_outbox)
        try:
            exchange = session.client.begin(message, reply)
            answer, _ = await session.client.perform(exchange)
            await reply.finish(answer)
        finally:
            await reply.close()
            _give_up(session, reply)

    async def _answer(self, session: HttpSession, message: Message, reply: Reply) -> bytes:
        try:
            exchange = session.client.begin(message, reply)
        except Failure as failure:
            return failure_message(bytes(message.id), failure)
        return (await session.client.perform(exchange))[0]

    def _resumed(self, request: HttpRequest, session: HttpSession) -> Outbox | None:
        """The stream that the client wants to go on with, at the place where it lost it."""
        last = request.headers.get(b"last-event-id")
        if last is None:
            return None
        event = parse_event_id(last)
        if event is None:
            raise Refusal(400, "the Last-Event-ID is none of ours")
        name, sequence = event
        outbox = session.replay.get(name)
        if outbox is not None:
            outbox.rewind(sequence)
        elif name.startswith("p"):
            raise Refusal(410, "the stream to resume is gone, and its answer with it; the request may have run")
        return outbox


def _give_up(session: HttpSession, reply: Reply) -> None:
    if reply.outbox is not None and reply.outbox.reader is None:
        session.replay.give_up(reply.outbox)
