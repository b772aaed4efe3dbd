"""The life of a backend as data: which state follows which event. No clock, no I/O.

::

    idle -> connecting -> ready -> disconnected -> reconnecting -> ready | failed | auth_required
    any of them -> stopping -> stopped | idle

A backend in `idle`, `disconnected`, `failed` or `auth_required` runs nothing; what it runs in the other states is owned
by exactly one task.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What `status` shows of a backend."""

    IDLE = "idle"
    CONNECTING = "connecting"
    READY = "ready"
    DISCONNECTED = "disconnected"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    AUTH_REQUIRED = "auth_required"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Event(StrEnum):
    """What can happen to a backend."""

    WANTED = "wanted"
    """Somebody needs a connection."""
    CONNECTED = "connected"
    """Handshake and complete tool list are done."""
    CONNECT_FAILED = "connect_failed"
    """A start failed, or is not even tried because the budget is spent."""
    REFUSED = "refused"
    """The server wants credentials that we do not have."""
    LOST = "lost"
    """The connection ended although nobody asked for it."""
    UNUSED = "unused"
    """Nobody needs it any more; it may be wanted again."""
    RETIRED = "retired"
    """It is replaced or its pool closes: it is never wanted again."""
    ENDED = "ended"
    """What was being stopped is gone."""


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.WANTED): State.CONNECTING,
    (State.IDLE, Event.UNUSED): State.IDLE,
    (State.IDLE, Event.RETIRED): State.STOPPED,
    (State.CONNECTING, Event.WANTED): State.CONNECTING,
    (State.CONNECTING, Event.CONNECTED): State.READY,
    (State.CONNECTING, Event.CONNECT_FAILED): State.FAILED,
    (State.CONNECTING, Event.REFUSED): State.AUTH_REQUIRED,
    (State.CONNECTING, Event.UNUSED): State.IDLE,
    (State.CONNECTING, Event.RETIRED): State.STOPPING,
    (State.READY, Event.WANTED): State.READY,
    (State.READY, Event.LOST): State.DISCONNECTED,
    (State.READY, Event.REFUSED): State.AUTH_REQUIRED,
    (State.READY, Event.UNUSED): State.IDLE,
    (State.READY, Event.RETIRED): State.STOPPING,
    (State.DISCONNECTED, Event.WANTED): State.RECONNECTING,
    (State.DISCONNECTED, Event.CONNECT_FAILED): State.FAILED,
    (State.DISCONNECTED, Event.UNUSED): State.IDLE,
    (State.DISCONNECTED, Event.RETIRED): State.STOPPED,
    (State.RECONNECTING, Event.WANTED): State.RECONNECTING,
    (State.RECONNECTING, Event.CONNECTED): State.READY,
    (State.RECONNECTING, Event.CONNECT_FAILED): State.FAILED,
    (State.RECONNECTING, Event.REFUSED): State.AUTH_REQUIRED,
    (State.RECONNECTING, Event.UNUSED): State.IDLE,
    (State.RECONNECTING, Event.RETIRED): State.STOPPING,
    (State.FAILED, Event.WANTED): State.RECONNECTING,
    (State.FAILED, Event.UNUSED): State.IDLE,
    (State.FAILED, Event.RETIRED): State.STOPPED,
    (State.AUTH_REQUIRED, Event.WANTED): State.RECONNECTING,
    (State.AUTH_REQUIRED, Event.UNUSED): State.IDLE,
    (State.AUTH_REQUIRED, Event.RETIRED): State.STOPPED,
    (State.STOPPING, Event.LOST): State.STOPPING,
    (State.STOPPING, Event.CONNECTED): State.STOPPING,
    (State.STOPPING, Event.CONNECT_FAILED): State.STOPPING,
    (State.STOPPING, Event.REFUSED): State.STOPPING,
    (State.STOPPING, Event.UNUSED): State.STOPPING,
    (State.STOPPING, Event.RETIRED): State.STOPPING,
    (State.STOPPING, Event.ENDED): State.STOPPED,
    (State.STOPPED, Event.RETIRED): State.STOPPED,
    (State.STOPPED, Event.UNUSED): State.STOPPED,
    (State.STOPPED, Event.ENDED): State.STOPPED,
}


def after(state: State, event: Event) -> State:
    """The state that follows.

    Raises:
        LookupError: the event cannot happen in this state: a defect of the caller.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise LookupError(f"a backend that is {state} cannot be {event}") from None
