"""A backend as people see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpool.backend.latency import Latency
from mcpool.backend.lifecycle import State
from mcpool.backend.phases import Phases
from mcpool.wire.session import Era, Session

if TYPE_CHECKING:
    from mcpool.backend.backend import Backend


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was agreed with the server, and what it says that it is."""

    era: Era
    revision: str
    server_name: str | None
    server_version: str | None
    capabilities: tuple[str, ...] = ()
    """What it declares that it can do."""


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
    phases: Phases | None = None
    """How long the start of this generation took; None if it is not ready."""


def describe(backend: Backend, now: float) -> BackendStatus:
    """What is to be said of a backend now."""
    connection, retry_at, trouble = backend.current, backend.retry_at, backend.trouble
    link = None if connection is None else connection.link
    return BackendStatus(
        name=backend.name,
        state=backend.state,
        pid=None if link is None else link.pid,
        generation=backend.generation,
        restarts=max(0, backend.generation - 1),
        leases=backend.holders.leases,
        in_flight=backend.in_flight,
        last_error=backend.last_error,
        notes=() if connection is None else connection.notes,
        uptime=None if connection is None else now - backend.ready_at,
        next_retry=None if retry_at is None else retry_at - now,
        last_failure=None if trouble is None else trouble.what,
        last_failure_ago=None if trouble is None else now - trouble.at,
        last_words="" if link is None else link.last_words(),
        latency=backend.requests.latencies.quantiles(),
        spoken=spoken(backend.session),
        phases=None if connection is None else connection.phases,
    )


def spoken(session: Session | None) -> Spoken | None:
    """What a session knows of its server."""
    if session is None:
        return None
    return Spoken(
        session.era,
        session.version,
        _text(session.server_info, "name"),
        _text(session.server_info, "version"),
        tuple(sorted(session.capabilities)),
    )


def _text(facts: dict[str, object], key: str) -> str | None:
    value = facts.get(key)
    return value if isinstance(value, str) else None
