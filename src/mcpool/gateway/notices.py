"""Notifications that belong to no request, on their way to a client."""

from __future__ import annotations

from typing import Final, Protocol

from mcpool.gateway import names
from mcpool.gateway.exchange import Outlet
from mcpool.gateway.message import notification_message
from mcpool.gateway.outbox import Kind

_NEVER: Final = frozenset({names.PROGRESS, names.CANCELLED})
"""Without its request such a message would reach the wrong one."""


class Listen(Protocol):
    """One `subscriptions/listen` of a client."""

    def offer(self, method: str, params: bytes | None) -> None:
        """Pass it on if the client asked for it."""
        ...

    def end(self) -> None:
        """Complete the stream."""
        ...


class Notices:
    """The streams on which one client hears of changes."""

    def __init__(self) -> None:
        self.listens: list[Listen] = []

    def to_outlet(self, outlet: Outlet, method: str, params: bytes | None) -> None:
        """To the stream of a handshake session."""
        if method in _NEVER:
            return
        message = notification_message(method, params)
        if method in names.LIST_CHANGED:
            outlet.put(Kind.LATEST, message, method)
        elif method == names.RESOURCE_UPDATED:
            outlet.put(Kind.LATEST, message, params)
        else:
            outlet.put(Kind.LOG if method == names.LOG else Kind.OTHER, message)

    def to_listeners(self, method: str, params: bytes | None) -> None:
        """To the listen streams of a 2026-07-28 client."""
        for listen in list(self.listens):
            listen.offer(method, params)

    def close(self) -> None:
        """End all listen streams in good order."""
        for listen in list(self.listens):
            listen.end()
        self.listens.clear()
