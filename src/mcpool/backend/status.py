"""A backend as people see it."""

from __future__ import annotations

from dataclasses import dataclass

from mcpool.backend.latency import Latency
from mcpool.backend.lifecycle import State
from mcpool.wire.session import Era, Session


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was agreed with the server, and what it says that it is."""

    era: Era
    revision: str
    server_name: str | None
    server_version: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a connection, or the attempt to make one, ended."""

    what: str
    """With the server's last words on stderr."""
    at: float
    """Loop time."""


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """What `status` shows of one backend. Times are in seconds."""

    name: str
    state: State
    pid: int | None
    generation: int
    restarts: int
    leases: int
    in_flight: int
    last_error: str | None
    """What is wrong now; None while it runs."""
    notes: tuple[str, ...]
    uptime: float | None = None
    """Since this generation was ready; None if it is not."""
    next_retry: float | None = None
    """Until it may be started again; None if nothing is in its way."""
    last_failure: str | None = None
    """Why it last ended or could not be started, also if it runs again."""
    last_failure_ago: float | None = None
    last_words: str = ""
    """The end of what the running server wrote to stderr, or of what is wrong with the way to it."""
    latency: Latency | None = None
    spoken: Spoken | None = None


def spoken(session: Session | None) -> Spoken | None:
    """What a session knows of its server."""
    if session is None:
        return None
    return Spoken(
        session.era, session.version, _text(session.server_info, "name"), _text(session.server_info, "version")
    )


def _text(facts: dict[str, object], key: str) -> str | None:
    value = facts.get(key)
    return value if isinstance(value, str) else None
