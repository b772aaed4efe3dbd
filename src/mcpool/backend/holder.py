"""What a backend needs to know of whoever holds a lease on it, and where it sends what its server says."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""RFC 5424 severities as MCP names them, lowest first."""


def severity(level: str) -> int:
    """The rank of a severity, 0 for the lowest.

    Raises:
        ValueError: there is no such severity.
    """
    if level not in LOG_LEVELS:
        raise ValueError(f"{level!r} is no log level; there are {', '.join(LOG_LEVELS)}")
    return LOG_LEVELS.index(level)


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that a client offers to servers."""

    uri: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What the client behind a thread can do. `raw` is its declared capabilities as JSON, for servers that take
    them with each request."""

    elicitation_form: bool = False
    elicitation_url: bool = False
    sampling: bool = False
    roots: tuple[Root, ...] | None = None
    """None: the client offers no roots, or lists them only when it is asked."""
    lists_roots: bool = False
    """It lists its roots when it is asked for them within a request, as in revision 2026-07-28."""
    raw: bytes = b"{}"


class CallSink(Protocol):
    """Receives what belongs to one call while it runs, in wire order."""

    def on_notification(self, method: str, params: bytes | None) -> None:
        """A notification of this call (progress, or a log line where the revision ties it to the call).

        `params` is raw JSON. A progress token in it is the engine's own: the receiver puts its client's in its place.
        """
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A request of a server to the user: `elicitation/create` or `sampling/createMessage`."""

    server: str
    method: str
    params: bytes
    sink: CallSink | None = None
    """The sink of the call that caused it, where that is known exactly."""
    patience: float = 3600.0
    """How many seconds the user may take."""


class Holder(Protocol):
    """One thread, as its backends see it, by one of the names by which it knows the server."""

    @property
    def id(self) -> str: ...

    @property
    def party(self) -> Hashable:
        """The thread. One that has two names for a server holds it twice, and whoever is asked is the same."""
        ...

    @property
    def conversation(self) -> str:
        """What it belongs to: threads of one conversation share what a server keeps for it."""
        ...

    @property
    def client(self) -> ClientFacts: ...

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """A notification that belongs to no call (list_changed, resources/updated, log messages)."""
        ...

    async def on_question(self, question: Question) -> bytes:
        """Answer a server's question with the raw JSON result. Cancelled when the server withdraws it.

        Raises:
            RpcError: the answer is a JSON-RPC error, passed to the server as it is.
        """
        ...
