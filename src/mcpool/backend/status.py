"""A backend as people see it."""

from __future__ import annotations

from dataclasses import dataclass

from mcpool.backend.lifecycle import State


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """What `status` shows of one backend."""

    name: str
    state: State
    pid: int | None
    generation: int
    restarts: int
    leases: int
    in_flight: int
    last_error: str | None
    notes: tuple[str, ...]
