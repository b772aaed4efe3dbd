"""All handshake sessions over HTTP: found by their id, made anew from it, and ended when nobody needs them."""

from __future__ import annotations

import secrets
from collections.abc import Container

from mcpool.gateway.failure import Refusal
from mcpool.gateway.http_session import HttpSession
from mcpool.gateway.limits import Limits
from mcpool.gateway.session_id import Ticket, new_ticket, seal, unseal
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.upstream import Host
from mcpool.gateway.views import Views

_DELETED_REMEMBERED = 10_000


class HttpSessions:
    """The sessions by id. A known id costs a look-up; only an unknown one is verified."""

    def __init__(self, host: Host, views: Views, limits: Limits, key: bytes) -> None:
        self._host = host
        self._views = views
        self._limits = limits
        self._key = key
        self._sessions: dict[bytes, HttpSession] = {}
        self._deleted: dict[bytes, None] = {}
        self._closing = Tasks()

    def __len__(self) -> int:
        return len(self._sessions)

    def create(self, principal: str, route: str | None, revision: str, capabilities: bytes) -> HttpSession:
        """A new session, with an id of its own."""
        ticket = new_ticket(secrets.token_bytes(9), principal, route, revision, capabilities)
        return self._make(seal(ticket, self._key), ticket, capabilities)

    def find(self, id_: bytes | None, principal: str, route: str | None) -> HttpSession:
        """The session of that id, for the principal and route that it was made for.

        Raises:
            Refusal: there is no id (400), or it is good for somebody or something else, or for nothing (404).
        """
        if id_ is None:
            raise Refusal(400, "the Mcp-Session-Id header is missing: begin with `initialize`")
        session = self._sessions.get(id_)
        if session is not None:
            if session.principal == principal and session.route == route:
                return session
        elif id_ not in self._deleted:
            ticket = unseal(id_, self._key)
            if ticket is not None and ticket.principal == principal and ticket.route == route:
                return self._make(id_, ticket, bytes(ticket.capabilities))
        raise Refusal(404, "Session not found: begin with `initialize`")

    async def delete(self, session: HttpSession) -> None:
        """End a session for good: its id will not be accepted again by this daemon."""
        self._deleted[session.id] = None
        if len(self._deleted) > _DELETED_REMEMBERED:
            del self._deleted[next(iter(self._deleted))]
        await self._close(session)

    def forget(self, session: HttpSession) -> None:
        """End a session at once, without waiting for it. Its id stays good."""
        if self._sessions.pop(session.id, None) is not None:
            self._closing.start(session.close())

    def expire(self, now: float) -> None:
        """End the sessions that were idle for too long. Their ids stay good."""
        for session in list(self._sessions.values()):
            session.replay.purge()
            since = session.idle_since
            if since is not None and now - since > self._limits.session_idle:
                self.forget(session)

    def end_of(self, principals: Container[str]) -> None:
        """End the sessions of these principals."""
        for session in list(self._sessions.values()):
            if session.principal in principals:
                self.forget(session)

    async def close(self) -> None:
        """End all."""
        for session in list(self._sessions.values()):
            await self._close(session)
        await self._closing.settle()

    async def _close(self, session: HttpSession) -> None:
        if self._sessions.pop(session.id, None) is not None:
            await session.close()

    def _make(self, id_: bytes, ticket: Ticket, capabilities: bytes) -> HttpSession:
        if len(self._sessions) >= self._limits.sessions:
            self._make_room()
        view = self._views.of(ticket.route, ticket.principal)
        session = HttpSession(self._host, view, self._limits, id_, ticket, capabilities)
        self._sessions[id_] = session
        return session

    def _make_room(self) -> None:
        idle = [(since, session) for session in self._sessions.values() if (since := session.idle_since) is not None]
        if not idle:
            raise Refusal(503, f"{len(self._sessions)} sessions are open and all are in use; try again later")
        self.forget(min(idle, key=lambda entry: entry[0])[1])
