"""When does a backend that nobody uses stop? Pure."""

from __future__ import annotations

from dataclasses import dataclass

LOOK_AGAIN = 1.0
"""Seconds at least between two looks at what cannot stop yet."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much a backend is used. Times are the event loop's."""

    leases: int
    in_flight: int
    """Requests, and a start that somebody wanted."""
    last_used: float
    """When the last request ended, or the last lease was released, whichever is later."""
    idle_timeout: float
    stop_when_unused: bool
    """Stop also while leases are held, once no request came for `idle_timeout`."""


def seconds_until_stop(use: Use, now: float) -> float | None:
    """How long to wait before it may stop: 0 means now, None that nothing but a change of use can make it stop.

    A request in flight always keeps it, and so does a lease unless the configuration says otherwise.
    """
    if use.in_flight:
        return max(use.idle_timeout, LOOK_AGAIN) if use.stop_when_unused or not use.leases else None
    if use.leases and not use.stop_when_unused:
        return None
    return max(0.0, use.last_used + use.idle_timeout - now)
