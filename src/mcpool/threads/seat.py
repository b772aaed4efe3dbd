"""A thread's place at one server: what the backend knows of it, and the way of the server's messages to it."""

from __future__ import annotations

from typing import Protocol

from mcpool.backend.holder import ClientFacts, Question


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

    __slots__ = ("client", "id", "listener", "server")

    def __init__(self, thread: str, server: str, client: ClientFacts, listener: Listener) -> None:
        self.id = f"{thread}/{server}"
        self.server = server
        self.client = client
        self.listener = listener

    def __repr__(self) -> str:
        return f"<Seat {self.id}>"

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Pass it on under the name by which this thread knows the server."""
        self.listener.on_notification(self.server, method, params)

    async def on_question(self, question: Question) -> bytes:
        """Pass it on under the name by which this thread knows the server."""
        return await self.listener.on_question(Question(self.server, question.method, question.params, question.sink))
