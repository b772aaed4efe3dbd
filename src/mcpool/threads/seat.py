"""A thread's place at one server: what the backend knows of it, and the way of the server's messages to it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Protocol

from mcpool.backend.holder import ClientFacts, Question
from mcpool.errors import RpcError
from mcpool.runtime.call_gate import ANSWERING
from mcpool.threads.approval_form import without_mark
from mcpool.wire.revisions import REQUEST_TIMEOUT


class Listener(Protocol):
    """Whoever the thread works for: it hears what servers tell, and answers what they ask."""

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """A notification that belongs to no call. `params` is raw JSON."""
        ...

    async def on_question(self, question: Question) -> bytes:
        """Answer an `elicitation/create` or `sampling/createMessage` with the raw JSON result.

        Raises:
            RpcError: the answer is an error.
        """
        ...


class Seat:
    """One thread's holder for one server. It outlives the runtimes of its thread."""

    __slots__ = ("client", "conversation", "id", "listener", "party", "patience", "server", "thread")

    def __init__(
        self,
        thread: str,
        conversation: str,
        server: str,
        client: ClientFacts,
        listener: Listener,
        party: Hashable,
    ) -> None:
        """`party` is equal for all seats of the thread, and for no other: an id may be used again."""
        self.id = f"{thread}/{server}"
        self.party = party
        self.thread = thread
        self.conversation = conversation
        self.server = server
        self.client = client
        self.listener = listener
        self.patience = 3600.0
        """How many seconds the user may take to answer a question of this server."""

    def __repr__(self) -> str:
        return f"<Seat {self.id}>"

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Pass it on under the name by which this thread knows the server."""
        self.listener.on_notification(self.server, method, params)

    async def on_question(self, question: Question) -> bytes:
        """Pass it on under the name by which this thread knows the server; it cannot pass for an approval.

        Raises:
            RpcError: as `Listener.on_question`, and if nobody answers in time.
        """
        limit = asyncio.timeout(self.patience)
        params = without_mark(question.params)
        known = Question(self.server, question.method, params, question.sink, self.patience)
        answering = ANSWERING.set(self.thread)
        try:
            async with limit:
                return await self.listener.on_question(known)
        except TimeoutError:
            if not limit.expired():
                raise
            raise RpcError(self.server, REQUEST_TIMEOUT, f"nobody answered within {self.patience:g} s") from None
        finally:
            ANSWERING.reset(answering)
