"""What is kept open on behalf of 2026-07-28 clients: a thread for each principal, route and kind of client.

The protocol has no sessions; but servers are leased by threads, and a thread's facts (what its client can do, what it
wants to hear) are fixed. Clients that share all of these share a thread.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator
from dataclasses import replace
from typing import NamedTuple

from mcpool.errors import McpoolError
from mcpool.gateway.capabilities import client_facts
from mcpool.gateway.client_session import ClientSession
from mcpool.gateway.exchange import NOWHERE, Outlet
from mcpool.gateway.failure import Refusal
from mcpool.gateway.limits import Limits
from mcpool.gateway.modern_envelope import Context
from mcpool.gateway.parking import Parking
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.upstream import Host
from mcpool.gateway.views import Views

_log = logging.getLogger(__name__)


class _Who(NamedTuple):
    principal: str
    route: str | None
    context: Context


class ModernSessions:
    """The client sessions of one face: all of HTTP, or one stream (`outlet`, `cwd`)."""

    def __init__(
        self,
        host: Host,
        views: Views,
        limits: Limits,
        parking: Parking,
        *,
        cwd: str | None = None,
        outlet: Outlet | None = None,
    ) -> None:
        self._host = host
        self._views = views
        self._limits = limits
        self._parking = parking
        self._cwd = cwd
        self._outlet = outlet
        self._sessions: dict[_Who, ClientSession] = {}
        self._closing = Tasks()

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[ClientSession]:
        return iter(list(self._sessions.values()))

    async def of(self, principal: str, route: str | None, context: Context) -> ClientSession:
        """The session for a request.

        Raises:
            Refusal: too many are in use.
        """
        who = _Who(principal, route, context)
        session = self._sessions.get(who)
        if session is None:
            session = self._make(who)
            if context.log_level is not None:
                try:
                    await session.state.wishes.set_log_level(None, context.log_level)
                except McpoolError as error:
                    _log.warning("a client's log level could not be set: %s", error)
        return session

    def expire(self, now: float) -> None:
        """Close those that nobody used for a while."""
        for who, session in list(self._sessions.items()):
            if not _in_use(session) and now - session.used > self._limits.modern_idle:
                del self._sessions[who]
                self._closing.start(session.close())

    def end_of(self, principals: Container[str]) -> None:
        """Close those of these principals."""
        for who in list(self._sessions):
            if who.principal in principals:
                self._closing.start(self._sessions.pop(who).close("its token was revoked"))

    async def close(self) -> None:
        """Close all."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()
        self._parking.close()
        await self._closing.settle()

    def _make(self, who: _Who) -> ClientSession:
        if len(self._sessions) >= self._limits.sessions:
            self._make_room()
        facts, offers_roots = client_facts(who.context.capabilities)
        session = ClientSession(
            self._host,
            self._views.of(who.route, who.principal),
            self._limits,
            principal=who.principal,
            cwd=self._cwd,
            facts=replace(facts, lists_roots=offers_roots),
            parking=self._parking,
            outlet=self._outlet or NOWHERE,
            shared=self._outlet is None,
        )
        self._sessions[who] = session
        return session

    def _make_room(self) -> None:
        idle = [(session.used, who) for who, session in self._sessions.items() if not _in_use(session)]
        if not idle:
            raise Refusal(503, f"{len(self._sessions)} clients are connected and all are in use; try again later")
        self._closing.start(self._sessions.pop(min(idle, key=lambda entry: entry[0])[1]).close())


def _in_use(session: ClientSession) -> bool:
    return session.busy or bool(session.notices.listens)
