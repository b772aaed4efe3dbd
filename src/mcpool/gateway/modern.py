"""Streamable HTTP of 2026-07-28: every POST stands for itself, and closing its stream is its cancellation."""

from __future__ import annotations

from mcpool.gateway import names
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import HTTP_STATUS, Failure, Refusal
from mcpool.gateway.http import HttpRequest, accepts, send_empty
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import Message
from mcpool.gateway.modern_envelope import read_context, unsupported
from mcpool.gateway.modern_sessions import ModernSessions
from mcpool.gateway.outbox import Outbox
from mcpool.gateway.reply import Reply
from mcpool.gateway.request_params import read_params
from mcpool.wire.revisions import (
    HANDSHAKE_VERSIONS,
    INVALID_REQUEST,
    META_PROTOCOL_VERSION,
    MODERN_VERSIONS,
)

_VERSION = b"mcp-protocol-version"
_MODERN = frozenset(version.encode() for version in MODERN_VERSIONS)
_HANDSHAKE = frozenset(version.encode() for version in HANDSHAKE_VERSIONS)


def is_modern(request: HttpRequest) -> bool:
    """Whether the request's revision is one without sessions. One that nobody knows gets the modern answer to it."""
    version = request.headers.get(_VERSION)
    if version is None or version in _HANDSHAKE:
        return False
    return version in _MODERN or b"mcp-session-id" not in request.headers


class Modern:
    """Serves requests of 2026-07-28 clients that passed the checks at the door."""

    def __init__(self, sessions: ModernSessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    def is_meant(self, request: HttpRequest, message: Message) -> bool:
        """Whether a request whose headers do not name this era does so in its params: it is told of the mismatch."""
        if b"mcp-session-id" in request.headers or not message.is_request or message.method == names.INITIALIZE:
            return False
        meta = read_params(message)[1]
        return meta is not None and META_PROTOCOL_VERSION in meta

    async def post(self, request: HttpRequest, message: Message) -> None:
        """One message of the client. Raises: Failure, which is answered with its status."""
        if not message.is_request:
            await self._without_answer(request, message)
            return
        # JSON where it can be: it alone carries the status that goes with an error.
        accepted = accepts(request)._replace(stream_first=False)
        if message.method == names.LISTEN and not accepted.stream:
            raise Refusal(406, "the Accept header must allow text/event-stream")
        fields, meta = read_params(message)
        context = read_context(message, fields, meta, request.headers)
        session = await self._sessions.of(request.principal, request.route.server, context)
        exchange: Exchange | None = None

        def gone() -> None:
            if exchange is not None:
                exchange.cancel("the client closed the stream of its response")

        reply = Reply(request, self._limits, accepted, new_outbox=lambda: Outbox(self._limits), gone=gone)
        try:
            exchange = session.begin(message, reply)
            exchange.headers = request.raw_headers
            answer, code = await session.perform(exchange)
            await reply.finish(answer, HTTP_STATUS.get(code, 200))
        finally:
            await reply.close()

    async def _without_answer(self, request: HttpRequest, message: Message) -> None:
        """Notifications mean nothing here and are accepted; responses have no place."""
        if not message.method:
            raise Failure(INVALID_REQUEST, "revision 2026-07-28 has no requests of servers, so there is no response")
        version = request.headers.get(_VERSION, b"").decode("latin-1")
        if version not in MODERN_VERSIONS:
            raise unsupported(version)
        await send_empty(request.send, 202)
