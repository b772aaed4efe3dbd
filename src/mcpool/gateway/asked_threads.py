"""A thread for each request whose client may be asked, so that what servers ask is certain to be about that request.

They stand beside the session's own thread and share all processes with it. A server of the handshake era does not say
which request made it ask; but it is known which thread it asks, and none of these has more than one request.
"""

from __future__ import annotations

from typing import Protocol

from mcpool.backend.holder import Question
from mcpool.gateway.asked_call import AskedCall
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.upstream import Listener, Thread

MOST_IDLE = 8
"""Threads without a request that are kept for the next one."""


class Asks(Protocol):
    """Decides what becomes of a question."""

    async def asked(self, question: Question, call: AskedCall | None) -> bytes:
        """Answer a question that came up while `call` was worked on; None: while nothing was."""
        ...


class Opens(Protocol):
    """Opens threads beside one."""

    async def beside(self, listener: Listener) -> Thread: ...


class Seat:
    """One such thread, and its listener."""

    __slots__ = ("_asks", "call", "thread")

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self.call: AskedCall | None = None
        self.thread: Thread | None = None

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Not of a request, so the session's own thread hears it too."""

    async def on_question(self, question: Question) -> bytes:
        """A question about the request that sits here."""
        return await self._asks.asked(question, self.call)


class AskedThreads:
    """The threads of one session."""

    def __init__(self, opens: Opens, asks: Asks) -> None:
        self._opens = opens
        self._asks = asks
        self._idle: list[Seat] = []
        self._closing = Tasks()

    async def take(self, call: AskedCall) -> Seat:
        """A thread for a call; it is given back with `give_back`."""
        seat = self._idle.pop() if self._idle else Seat(self._asks)
        seat.call = call
        if seat.thread is None:
            seat.thread = await self._opens.beside(seat)
        return seat

    def give_back(self, seat: Seat, *, clean: bool) -> None:
        """The call is over. `clean`: every server has answered, so that what is asked from now on is of the next."""
        seat.call = None
        if clean and len(self._idle) < MOST_IDLE:
            self._idle.append(seat)
        elif seat.thread is not None:
            self._closing.start(seat.thread.close())

    async def close(self) -> None:
        """Close those that are idle, and wait for those that are closing."""
        while self._idle:
            self.give_back(self._idle.pop(), clean=False)
        await self._closing.settle()
