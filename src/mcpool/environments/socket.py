"""The seam between messages and what carries them: one WebSocket, or what stands for it in a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Socket(Protocol):
    """One socket. Lost, it is never of use again."""

    async def send(self, message: bytes) -> None:
        """Send one message. Waits while the other side does not read. Raises: ConnectionError, if it is lost."""
        ...

    async def receive(self) -> bytes:
        """The next message.

        Raises:
            WentAway: the other side said that it ends.
            ConnectionError: it is lost.
        """
        ...

    async def close(self) -> None:
        """Close it in good order, or not, within a second or two."""
        ...


class WentAway(ConnectionError):
    """The other side closed the socket because it ends itself."""


Dial = Callable[[], Awaitable[Socket]]
"""Opens a socket. Raises: OSError (a TimeoutError is one), with a sentence that says what is wrong."""
