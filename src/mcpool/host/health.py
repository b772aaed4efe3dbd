"""How each server does: one `Health` per backend of each server, or per server that has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mcpool.backend.backend import Backend
from mcpool.backend.latency import Latency
from mcpool.backend.phases import Phases
from mcpool.catalog.identity import StdioIdentity, differences
from mcpool.config.server import LOCAL, ServerConfig
from mcpool.environments.registry import Environments
from mcpool.host.availability import why_off
from mcpool.launch.memory import Memory, memory_of
from mcpool.pool.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One backend, or one server that has none, at the moment when it was asked for. Times are in seconds."""

    server: str
    state: str
    """`idle`, `connecting`, `ready`, `disconnected`, `reconnecting`, `failed`, `auth_required`, `stopping`, `stopped`;
    or `disabled`."""
    generation: int = 0
    """Which connection it is: each start counts."""
    pid: int | None = None
    uptime: float | None = None
    """Since this generation was ready; None if it is not."""
    restarts: int = 0
    last_error: str | None = None
    """What is wrong now, with the server's last words on stderr; None while nothing is."""
    last_failure: str | None = None
    """Why it last ended or could not be started, also if it runs again."""
    last_failure_ago: float | None = None
    last_words: str = ""
    """The last lines that the running server wrote to stderr."""
    next_retry: float | None = None
    """Until it may be started again; None if nothing is in its way."""
    in_flight: int = 0
    """Requests that wait for an answer."""
    leases: int = 0
    latency: Latency | None = None
    """Of recent requests; None before the first."""
    server_name: str | None = None
    """What the server calls itself."""
    server_version: str | None = None
    era: str | None = None
    """`handshake` or `modern`: with or without an `initialize`."""
    revision: str | None = None
    """The revision of the protocol that is spoken with it."""
    scope: str
    cwd: str | None = None
    tools: int | None = None
    """How many it has; None if they were never listed."""
    why: tuple[str, ...] = ()
    """Why this server has more than one process: what this one differs in from the first, and how to make it one."""
    notes: tuple[str, ...] = ()
    """What the server does that it should not."""
    capabilities: tuple[str, ...] = ()
    """What the server declares that it can do: `tools`, `resources` and the like."""
    phases: Phases | None = None
    """How long the start of this generation took, part by part; None if it is not ready."""
    same_as: tuple[str, ...] = ()
    """Other servers that are configured alike, so that this very process is theirs as well."""
    environment: str = LOCAL
    """Where it runs, or is reached from: the id of an environment."""

    def memory(self) -> Memory | None:
        """What its processes use now; None without one, or where the system does not tell (only Linux does).

        Reads files of the kernel, which takes some milliseconds: `asyncio.to_thread` keeps that off an event loop.
        """
        return None if self.pid is None else memory_of({self.pid}).get(self.pid)


def health(
    servers: Iterable[ServerConfig], entries: Iterable[Entry], environments: Environments | None = None
) -> tuple[Health, ...]:
    """The health of all, in the order of the configuration. A backend of several servers is told of for each.

    `environments` are where servers can be placed besides this machine.
    """
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in entry.names:
            found.setdefault(name, []).append(entry)
    made: list[Health] = []
    for server in servers:
        backends = found.pop(server.name, [])
        made.extend(_of_backends(server.name, backends) if backends else [_of_none(server, environments)])
    for name, backends in found.items():
        made.extend(_of_backends(name, backends))
    return tuple(made)


def _of_backends(name: str, backends: list[Entry]) -> list[Health]:
    # What failed is no example to follow: the others are compared with one that runs.
    first = next((entry for entry in backends if entry.backend.running), backends[0])
    made: list[Health] = []
    for entry in backends:
        made.append(_of_backend(name, entry, entry.backend, () if entry is first else _why(name, entry, first)))
        made.extend(_of_backend(name, entry, backend, (_OVERFLOW,)) for backend in entry.lanes.overflow)
    return made


_OVERFLOW = (
    "overflow: this server asks and does not say whom, so it works for one thread at a time, and others need not wait; "
    'it ends when it is idle. `when_asking = "serialise"` lets them wait'
)


def _of_backend(name: str, entry: Entry, backend: Backend, why: tuple[str, ...]) -> Health:
    status = backend.status()
    spoken = status.spoken
    identity = entry.key.identity
    catalogue = backend.catalogue
    return Health(
        server=name,
        state=status.state.value,
        generation=status.generation,
        pid=status.pid,
        uptime=status.uptime,
        restarts=status.restarts,
        last_error=status.last_error,
        last_failure=status.last_failure,
        last_failure_ago=status.last_failure_ago,
        last_words=status.last_words,
        next_retry=status.next_retry,
        in_flight=status.in_flight,
        leases=status.leases,
        latency=status.latency,
        server_name=None if spoken is None else spoken.server_name,
        server_version=None if spoken is None else spoken.server_version,
        era=None if spoken is None else spoken.era,
        revision=None if spoken is None else spoken.revision,
        capabilities=() if spoken is None else spoken.capabilities,
        phases=status.phases,
        scope=entry.config.effective_scope,
        cwd=identity.cwd if isinstance(identity, StdioIdentity) else None,
        tools=None if catalogue is None else len(catalogue.tools),
        why=why,
        notes=status.notes,
        same_as=tuple(other for other in entry.names if other != name),
        environment=identity.environment,
    )


def _why(name: str, entry: Entry, first: Entry) -> tuple[str, ...]:
    reasons = list(differences(first.key.identity, entry.key.identity))
    if entry.key.exclusive and entry.config.effective_scope != "thread":
        reasons.append(
            "isolated: the server asked while it worked for nobody, so each thread has its own; "
            f'`when_asking = "decline"` in [mcp_servers.{name}] makes it one, that cannot ask'
        )
    elif entry.key.within != first.key.within:
        reasons.append(f'scope: each has its own; `scope = "shared"` in [mcp_servers.{name}] makes it one')
    if entry.retired or first.retired:
        reasons.append("replaced: the old one ends with its last call")
    return tuple(reasons)


def _of_none(server: ServerConfig, environments: Environments | None) -> Health:
    off = None if environments is None else why_off(server, environments)
    state = "disabled" if not server.enabled else "idle" if off is None else "disconnected"
    return Health(
        server=server.name,
        state=state,
        scope=server.effective_scope,
        environment=server.environment_id,
        last_error=off if server.enabled else None,
    )
