"""How long a start took, part by part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds of each part of the last start that succeeded."""

    start: float
    """Until the process ran, or the way to the endpoint was prepared."""
    handshake: float
    """Until it was agreed how to speak, which is mostly the server's own beginning."""
    tools: float
    """Until its tools were listed."""
