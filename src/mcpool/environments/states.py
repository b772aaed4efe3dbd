"""The life of a connection to an executor as data: which state follows which event. No clock, no I/O.

::

    pending -> ready <-> resuming
       |         ^          |
       +---> disconnected <-+        any of them -> removed
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal


class State(StrEnum):
    """How it stands with an executor."""

    PENDING = "pending"
    """It was never reached yet, and the first attempt is under way."""
    READY = "ready"
    RESUMING = "resuming"
    """The socket was lost, the session with all that runs in it may yet be had back."""
    DISCONNECTED = "disconnected"
    """There is no session; it is tried again and again."""
    REMOVED = "removed"


class Event(StrEnum):
    """What can happen to it."""

    OPENED = "opened"
    """A new session."""
    FAILED = "failed"
    """No session could be had."""
    DROPPED = "dropped"
    """The socket was lost."""
    RESUMED = "resumed"
    """The session of before goes on over another socket."""
    EXPIRED = "expired"
    """The session of before is gone for good."""
    REMOVED = "removed"
    """Nobody wants it any more."""


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.PENDING, Event.OPENED): State.READY,
    (State.PENDING, Event.FAILED): State.DISCONNECTED,
    (State.PENDING, Event.REMOVED): State.REMOVED,
    (State.READY, Event.DROPPED): State.RESUMING,
    (State.READY, Event.REMOVED): State.REMOVED,
    (State.RESUMING, Event.FAILED): State.RESUMING,
    (State.RESUMING, Event.RESUMED): State.READY,
    (State.RESUMING, Event.EXPIRED): State.DISCONNECTED,
    (State.RESUMING, Event.REMOVED): State.REMOVED,
    (State.DISCONNECTED, Event.OPENED): State.READY,
    (State.DISCONNECTED, Event.FAILED): State.DISCONNECTED,
    (State.DISCONNECTED, Event.REMOVED): State.REMOVED,
    (State.REMOVED, Event.REMOVED): State.REMOVED,
}

Status = Literal["ready", "pending", "disconnected", "unknown"]
"""What is shown of an environment; `unknown`: there is none of that id."""

_SHOWN: Final[dict[State, Status]] = {
    State.PENDING: "pending",
    State.READY: "ready",
    State.RESUMING: "pending",
    State.DISCONNECTED: "disconnected",
    State.REMOVED: "unknown",
}


def after(state: State, event: Event) -> State:
    """The state that follows.

    Raises:
        LookupError: the event cannot happen in this state: a defect of the caller.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise LookupError(f"an executor that is {state} cannot be {event}") from None


def shown(state: State) -> Status:
    """What is shown of it."""
    return _SHOWN[state]


def live(state: State) -> bool:
    """Whether there is a session, so that what runs in it runs on."""
    return state in (State.READY, State.RESUMING)
