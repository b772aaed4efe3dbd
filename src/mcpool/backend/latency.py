"""How long the last requests of a backend took: a bounded memory that costs one append per request."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

KEPT = 512
"""Requests that are remembered."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of recent requests, in seconds: what those who asked had to wait, however it ended."""

    requests: int
    """How many of them are counted here."""
    p50: float
    p95: float
    p99: float


class Latencies:
    """The last requests' durations."""

    __slots__ = ("_recent", "add")

    def __init__(self, kept: int = KEPT) -> None:
        self._recent: deque[float] = deque(maxlen=kept)
        self.add = self._recent.append
        """Remember one duration, in seconds; the oldest goes."""

    def __repr__(self) -> str:
        return f"<Latencies of {len(self._recent)} requests>"

    def quantiles(self) -> Latency | None:
        """What is known of them; None before the first."""
        return quantiles(self._recent)


def quantiles(durations: Iterable[float]) -> Latency | None:
    """The smallest duration that is not exceeded by that share of them (nearest rank); None if there are none."""
    ordered = sorted(durations)
    if not ordered:
        return None
    last = len(ordered) - 1

    def rank(percent: int) -> float:
        return ordered[min(last, -(-len(ordered) * percent // 100) - 1)]

    return Latency(len(ordered), rank(50), rank(95), rank(99))
