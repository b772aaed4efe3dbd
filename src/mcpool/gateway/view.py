"""What an endpoint offers its clients: one server as it is, or all of them under one roof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.upstream import Step


class View(Protocol):
    """One kind of endpoint. Without state of its own: what a client has seen is kept in its `ClientState`."""

    @property
    def route(self) -> str | None:
        """What of the servers this is, in the words of `selection`; None is all of everything."""
        ...

    @property
    def only(self) -> Sequence[str] | None:
        """The servers that it is limited to; None is no limit."""
        ...

    def hears(self, server: str) -> bool:
        """Whether notifications of this server are for the clients of this endpoint."""
        ...

    async def initialize(self, step: Step, revision: str) -> bytes:
        """The raw result of `initialize` at that revision."""
        ...

    async def answer(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        """The raw result of any other request.

        Raises:
            Failure, McpoolError: what the client is told instead.
        """
        ...

    async def definitions(self, state: ClientState, step: Step) -> Sequence[bytes]:
        """The tools that the client is shown, as it is shown them."""
        ...

    async def owner_of(self, state: ClientState, step: Step, uri: str, *, modern: bool) -> str:
        """The server of a resource. Raises: as `answer`."""
        ...
