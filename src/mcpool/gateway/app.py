"""The gateway as an ASGI application: the checks at the door, then the endpoint for the client's protocol era."""

from __future__ import annotations

import asyncio

from mcpool.gateway.failure import Failure, Refusal
from mcpool.gateway.handshake import Handshake
from mcpool.gateway.http import (
    Disconnected,
    Headers,
    HttpRequest,
    Receive,
    Scope,
    Send,
    send_json,
    send_refusal,
)
from mcpool.gateway.http_sessions import HttpSessions
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import NULL, decode, failure_message
from mcpool.gateway.modern import Modern, is_modern
from mcpool.gateway.modern_sessions import ModernSessions
from mcpool.gateway.origin import OriginCheck
from mcpool.gateway.parking import Parking, Places
from mcpool.gateway.route import HEALTH, Routes
from mcpool.gateway.ticker import Ticker
from mcpool.gateway.tokens import Tokens
from mcpool.gateway.upstream import Host
from mcpool.gateway.views import Clients, Views, everybody_alike
from mcpool.wire.envelope import encode_json
from mcpool.wire.revisions import HANDSHAKE_VERSIONS, HEADER_MISMATCH, INVALID_REQUEST

_SINGLE = frozenset(
    {b"authorization", b"host", b"origin", b"mcp-session-id", b"mcp-protocol-version", b"mcp-method", b"mcp-name"}
)
_HANDSHAKE = frozenset(version.encode() for version in HANDSHAKE_VERSIONS)
_SWEEP = 15.0


class Gateway:
    """One endpoint for any MCP client. `close()` ends all sessions; the host stays as it is."""

    def __init__(
        self,
        host: Host,
        *,
        key: bytes,
        tokens: Tokens,
        version: str,
        limits: Limits | None = None,
        clients: Clients = everybody_alike,
    ) -> None:
        """`key` signs session ids and request states: with another key, clients have to begin anew. `clients` tells
        what the configuration says of a client, when a session of its begins."""
        self.host = host
        self.limits = limits or Limits()
        self.views = Views(self.limits, version, clients)
        self.whole_views = Views(self.limits, version)
        """For those of whom it does not matter what is said."""
        self.version = version
        self._tokens = tokens
        self._routes = Routes()
        self._origins = OriginCheck()
        self._sessions = HttpSessions(host, self.views, self.limits, key)
        self._key = key
        self.places = Places(self.limits)
        """How many calls of all faces wait for answers."""
        self._modern_sessions = ModernSessions(host, self.views, self.limits, self.parking())
        self._handshake = Handshake(self._sessions, self.limits)
        self._modern = Modern(self._modern_sessions, self.limits)
        self._ticker = Ticker(self.limits.watch_after)
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def sessions(self) -> int:
        """How many clients over HTTP are remembered at the moment."""
        return len(self._sessions) + len(self._modern_sessions)

    def parking(self, *, alone: bool = False) -> Parking:
        """Where calls of another face wait for answers; `alone`: it is that of one client."""
        return Parking(self.limits, self._key, self.places, alone=alone)

    async def close(self) -> None:
        """End all sessions and streams, so that the server can shut down. Requests from now on are refused."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        self._ticker.close()
        await self._sessions.close()
        await self._modern_sessions.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        headers: Headers = dict(scope["headers"])
        try:
            self._check_door(scope, headers)
            if scope["path"] == HEALTH:
                await self._health(scope["method"], send)
                return
            route = self._routes.of(scope["path"], scope.get("query_string", b""))
            if route is None:
                raise Refusal(404, "no such endpoint: use /mcp for all servers or /mcp/SERVER for one")
            request = HttpRequest(
                headers, scope["headers"], self._principal(headers), route, receive, send, self.limits
            )
            await self._serve(scope["method"], request)
        except Refusal as refusal:
            await send_refusal(send, refusal)
        except Disconnected:
            return

    async def _serve(self, method: str, request: HttpRequest) -> None:
        if method == "POST":
            await self._post(request)
            return
        if is_modern(request):
            raise Refusal(405, "revision 2026-07-28 has POST only", headers=((b"allow", b"POST"),))
        _check_version(request.headers)
        if method == "GET":
            await self._handshake.get(request)
        elif method == "DELETE":
            await self._handshake.delete(request)
        else:
            raise Refusal(405, f"{method} is not allowed here", headers=((b"allow", b"GET, POST, DELETE"),))

    async def _post(self, request: HttpRequest) -> None:
        self._ticker.add(request)
        try:
            await self._take(request, await request.body())
        finally:
            self._ticker.discard(request)

    async def _take(self, request: HttpRequest, body: bytes) -> None:
        id_ = NULL
        try:
            modern = is_modern(request)
            message = decode(body, 0 if modern else self.limits.batch)
            if isinstance(message, list):
                _check_version(request.headers)
                await self._handshake.batch(request, message)
                return
            if message.is_request:
                id_ = bytes(message.id)
            if modern or self._modern.is_meant(request, message):
                await self._modern.post(request, message)
            else:
                _check_version(request.headers)
                await self._handshake.post(request, message)
        except Failure as failure:
            await send_json(request.send, 400, failure_message(id_, failure))

    def _check_door(self, scope: Scope, headers: Headers) -> None:
        if self._closed:
            raise Refusal(503, "the gateway is shutting down")
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP, self.tidy)
        if len(headers) != len(scope["headers"]):
            _check_repeats(scope["headers"])
        refused = self._origins.refusal(headers.get(b"host"), headers.get(b"origin"))
        if refused is not None:
            raise Refusal(403, refused)

    def _principal(self, headers: Headers) -> str:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            principal = self._tokens.principal_of(token.strip().decode("latin-1"))
            if principal is not None:
                return principal
        message = "a token is required: send `Authorization: Bearer TOKEN`; `mcpool token show NAME` shows it"
        raise Refusal(401, message, headers=((b"www-authenticate", b'Bearer realm="mcpool"'),))

    async def _health(self, method: str, send: Send) -> None:
        if method not in ("GET", "HEAD"):
            raise Refusal(405, f"{method} is not allowed here", headers=((b"allow", b"GET, HEAD"),))
        await send_json(send, 200, encode_json({"status": "ok", "version": self.version}))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    def tidy(self) -> None:
        """End what was idle for too long, or is a client's whose token is gone; done every few seconds by itself."""
        now = asyncio.get_running_loop().time()
        revoked = self._tokens.revoked()
        self._sessions.end_of(revoked)
        self._modern_sessions.end_of(revoked)
        self._sessions.expire(now)
        self._modern_sessions.expire(now)
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP, self.tidy)


def _check_version(headers: Headers) -> None:
    """A handshake client names one of its revisions, or none (before 2025-06-18)."""
    version = headers.get(b"mcp-protocol-version")
    if version is not None and version not in _HANDSHAKE:
        raise Refusal(400, f"Unsupported protocol version; supported: {', '.join(HANDSHAKE_VERSIONS)}")


def _check_repeats(headers: list[tuple[bytes, bytes]]) -> None:
    """Readers of a repeated header may disagree on which one counts, so none of these may be."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in _SINGLE:
            code = HEADER_MISMATCH if name.startswith(b"mcp-") else INVALID_REQUEST
            raise Refusal(400, f"the header {name.decode('latin-1')} is there more than once", code=code)
        seen.add(name)
