"""What `status` shows: one row per backend, or per server that has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from mcpool.catalog.identity import StdioIdentity, differences
from mcpool.config.server import ServerConfig
from mcpool.pool.pool import Entry


class Row(TypedDict):
    """One backend, or one server that has none."""

    name: str
    state: str
    pid: int | None
    generation: int
    restarts: int
    leases: int
    in_flight: int
    scope: str
    cwd: str | None
    last_error: str | None
    why: list[str]
    """Why this server has more than one process: what this one differs in from the first, and how to make it one."""
    notes: list[str]
    """What the server does that it should not."""
    tools: int | None


def rows(servers: Iterable[ServerConfig], entries: Iterable[Entry]) -> list[Row]:
    """Rows in the order of the configuration."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.config.name, []).append(entry)
    made: list[Row] = []
    for server in servers:
        backends = found.pop(server.name, [])
        made.extend(_rows(backends) if backends else [_empty(server)])
    for backends in found.values():
        made.extend(_rows(backends))
    return made


def _rows(backends: list[Entry]) -> list[Row]:
    # What failed is no example to follow: the others are compared with one that runs.
    first = next((entry for entry in backends if entry.backend.running), backends[0])
    return [_row(entry, first) for entry in backends]


def _row(entry: Entry, first: Entry) -> Row:
    status = entry.backend.status()
    identity = entry.key.identity
    catalogue = entry.backend.catalogue
    return Row(
        name=status.name,
        state=status.state.value,
        pid=status.pid,
        generation=status.generation,
        restarts=status.restarts,
        leases=status.leases,
        in_flight=status.in_flight,
        scope=entry.config.effective_scope,
        cwd=identity.cwd if isinstance(identity, StdioIdentity) else None,
        last_error=status.last_error,
        why=[] if entry is first else _why(entry, first),
        notes=list(status.notes),
        tools=None if catalogue is None else len(catalogue.tools),
    )


def _why(entry: Entry, first: Entry) -> list[str]:
    reasons = list(differences(first.key.identity, entry.key.identity))
    if entry.key.within != first.key.within:
        reasons.append(f'scope: each has its own; `scope = "shared"` in [mcp_servers.{entry.config.name}] makes it one')
    if entry.retired or first.retired:
        reasons.append("replaced: the old one ends with its last call")
    return reasons


def _empty(server: ServerConfig) -> Row:
    return Row(
        name=server.name,
        state="idle" if server.enabled else "disabled",
        pid=None,
        generation=0,
        restarts=0,
        leases=0,
        in_flight=0,
        scope=server.effective_scope,
        cwd=None,
        last_error=None,
        why=[],
        notes=[],
        tools=None,
    )
