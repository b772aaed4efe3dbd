"""A request of ours under way."""

from __future__ import annotations

import asyncio
from typing import Protocol

from msgspec import Struct


class CallSinkLike(Protocol):
    """Receives what belongs to one call while it runs, in wire order."""

    def on_notification(self, method: str, params: bytes | None) -> None: ...


class Call(Struct, eq=False):
    """One request and what becomes of it. Made by the engine only.

    `future` ends with the raw JSON result, `RpcError`, `MessageTooLarge` or `ConnectionLost`,
    or `ServerUnavailable` when the server reads nothing any more.
    """

    id: int
    method: str
    future: asyncio.Future[bytes]
    owner: object = None
    sink: CallSinkLike | None = None
    task: str | None = None
    """The server's task that this request waits for, where it names one."""
    end: int = 0
    """Where its line ends in the stream of bytes given to the link."""
    answered: bool = False
    cancelled: bool = False
    cancelled_at: float = 0.0
    """Loop time."""
