"""What `status` shows, as plain values for JSON: one row per backend of each server, or per server that has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from mcpool.host.health import Health
from mcpool.launch.memory import Memory


class LatencyRow(TypedDict):
    """Quantiles of recent requests, in seconds."""

    requests: int
    p50: float
    p95: float
    p99: float


class MemoryRow(TypedDict):
    """What the processes of a server use, in bytes."""

    rss: int
    pss: int | None
    processes: int


class PhasesRow(TypedDict):
    """How long the last start took, in seconds."""

    start: float
    handshake: float
    tools: float


class Row(TypedDict):
    """One `Health`. The order of the keys is part of what is promised: new ones follow."""

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
    notes: list[str]
    tools: int | None
    uptime: float | None
    next_retry: float | None
    last_failure: str | None
    last_failure_ago: float | None
    last_words: str
    latency: LatencyRow | None
    memory: MemoryRow | None
    server_name: str | None
    server_version: str | None
    era: str | None
    revision: str | None
    same_as: list[str]
    capabilities: list[str]
    phases: PhasesRow | None
    environment: str


def rows(found: Iterable[Health], memory: Mapping[int, Memory] | None = None) -> list[Row]:
    """The rows of all, with `memory` by pid where it was measured."""
    return [_row(health, (memory or {}).get(health.pid or 0)) for health in found]


def _row(health: Health, memory: Memory | None) -> Row:
    latency = health.latency
    return Row(
        name=health.server,
        state=health.state,
        pid=health.pid,
        generation=health.generation,
        restarts=health.restarts,
        leases=health.leases,
        in_flight=health.in_flight,
        scope=health.scope,
        cwd=health.cwd,
        last_error=health.last_error,
        why=list(health.why),
        notes=list(health.notes),
        tools=health.tools,
        uptime=_rounded(health.uptime),
        next_retry=_rounded(health.next_retry),
        last_failure=health.last_failure,
        last_failure_ago=_rounded(health.last_failure_ago),
        last_words=health.last_words,
        latency=None
        if latency is None
        else LatencyRow(
            requests=latency.requests,
            p50=round(latency.p50, 6),
            p95=round(latency.p95, 6),
            p99=round(latency.p99, 6),
        ),
        memory=None if memory is None else MemoryRow(rss=memory.rss, pss=memory.pss, processes=memory.processes),
        server_name=health.server_name,
        server_version=health.server_version,
        era=health.era,
        revision=health.revision,
        same_as=list(health.same_as),
        capabilities=list(health.capabilities),
        phases=None
        if health.phases is None
        else PhasesRow(
            start=round(health.phases.start, 3),
            handshake=round(health.phases.handshake, 3),
            tools=round(health.phases.tools, 3),
        ),
        environment=health.environment,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
