"""Whose turn is it at a server that asks without saying whom? Pure.

Such a server works for one thread at a time, so that whatever it asks is asked of that thread. Threads take turns in
the order in which they came. Where one would wait too long, another process of the server is started beside.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

HolderT = TypeVar("HolderT")

PATIENCE = 1.0
"""Seconds for which a thread waits for its turn before another process is wanted."""

MOST_OVERFLOW = 8
"""Processes of one server beside its first."""

NO_MORE_AFTER_FAILURE = 60.0
"""Seconds for which no other process is tried after one that could not be started."""


@dataclass(frozen=True, slots=True)
class Busy(Generic[HolderT]):
    """What one process is at work on."""

    occupants: Set[HolderT | None]
    """Whose requests it has not answered, cancelled ones included, and whose answers it waits for. None: our own,
    which keep nobody."""
    asked: Set[HolderT]
    """Who is asked something by it."""
    undecided: bool
    """It has asked something, and it is not certain yet whom."""


def admits(holder: HolderT, busy: Busy[HolderT], *, others_wait: bool) -> bool:
    """Whether this process may work for `holder` now. `others_wait`: threads that came before wait for their turn.

    A thread that is asked something may go on calling: its answer may depend on that.
    """
    if busy.undecided or busy.occupants - {holder, None}:
        return False
    return not others_wait or holder in busy.asked


def place(holder: HolderT, processes: Sequence[Busy[HolderT]], *, others_wait: bool) -> int | None:
    """The process in which it is this thread's turn: the one that works for it already, else the first that is free."""
    open_to = [n for n, busy in enumerate(processes) if admits(holder, busy, others_wait=others_wait)]
    return next((n for n in open_to if holder in processes[n].occupants), open_to[0] if open_to else None)


@dataclass(frozen=True, slots=True)
class Crowd:
    """The threads that wait for their turn, and what is done about it. Times are the event loop's."""

    since: float | None
    """Since when the first of them has been waiting; None: nobody waits."""
    overflow: int
    """Processes beside the first."""
    starting: bool
    """One more is being started."""
    last_started: float
    """When the last one was ready."""
    failed_at: float | None
    """When one last could not be started."""


def overflow_due(crowd: Crowd) -> float | None:
    """The loop's time at which another process is wanted; None: none is, as things stand."""
    if crowd.since is None or crowd.starting or crowd.overflow >= MOST_OVERFLOW:
        return None
    due = max(crowd.since, crowd.last_started) + PATIENCE
    return due if crowd.failed_at is None else max(due, crowd.failed_at + NO_MORE_AFTER_FAILURE)
