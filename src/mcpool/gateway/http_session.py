"""A handshake client over HTTP: the session behind an `Mcp-Session-Id`."""

from __future__ import annotations

import asyncio
import secrets

from mcpool.gateway.capabilities import client_facts
from mcpool.gateway.client_session import ClientSession
from mcpool.gateway.get_streams import GetStreams
from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Outbox
from mcpool.gateway.replay import ReplayStore
from mcpool.gateway.session_id import Ticket
from mcpool.gateway.upstream import Host
from mcpool.gateway.view import View
from mcpool.wire.revisions import LATEST_HANDSHAKE


class HttpSession:
    """The client session and its streams. What it takes to make it is in the ticket, large capabilities excepted."""

    __slots__ = ("client", "id", "principal", "replay", "revision", "route", "streams")

    def __init__(self, host: Host, view: View, limits: Limits, id_: bytes, ticket: Ticket, capabilities: bytes) -> None:
        facts, wants_roots = client_facts(capabilities)
        self.id = id_
        self.principal = ticket.principal
        self.route = ticket.route
        self.revision = ticket.revision
        self.replay = ReplayStore(limits, asyncio.get_running_loop(), secrets.token_hex(3))
        self.streams = GetStreams(limits, self.replay)
        self.client = ClientSession(
            host,
            view,
            limits,
            principal=ticket.principal,
            cwd=None,
            facts=facts,
            wants_roots=wants_roots,
            outlet=self.streams,
        )

    @property
    def idle_since(self) -> float | None:
        """Since when, on the loop's clock, nothing went on here; None while something does."""
        return None if self.client.busy or self.streams.is_open else self.client.used

    def new_outbox(self) -> Outbox:
        """The stream of a POST, resumable; it begins with an event to resume from where the revision has that."""
        outbox = self.replay.new("p")
        if self.revision == LATEST_HANDSHAKE:
            outbox.prime()
        return outbox

    async def close(self) -> None:
        """End it, and whatever goes on in it."""
        self.streams.end()
        await self.client.close()
        self.replay.clear()
