"""What a connection is opened with. Plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mcpool.backend.holder import Root
from mcpool.backend.restarts import Budget


@dataclass(frozen=True, slots=True)
class Terms:
    """What a connection is opened with."""

    server: str
    startup_timeout: float
    max_message_bytes: int
    client_info: bytes
    capabilities: str
    """The capability class, as in the identity."""
    roots: tuple[Root, ...] | None
    connectors: bool = False
    """Whether it may say to which connectors its tools belong, as in the identity."""
    new_lease_id: Callable[[], str] | None = None
    """Makes what the server may tell its threads apart by; None: it is not told."""
    budget: Budget = field(default_factory=Budget)
    """How often it may be started again by itself. Of this and what follows the newest counts, at any time."""
    heartbeat: float = 0.0
    """Seconds without any request after which it is asked for a sign of life; 0: never."""
