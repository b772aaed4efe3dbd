"""What went through an engine, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """What went through an engine so far."""

    calls: int
    """Requests made, those that failed before they were sent included."""
    unanswered: int
    """Of these, calls that still wait, cancelled ones included."""
    answers: int
    """Results and errors that found their call."""
    late: int
    """Answers to calls that were cancelled, or answered before."""
    unknown: int
    """Answers with an id that was never ours."""
    inbound: int
    """Requests and notifications of the server."""
    mended: int
    """Lines that were almost JSON and were made valid."""
    garbage: int
    """Lines that were no message."""
    dropped: int
    """Notifications and answers of ours that were not sent, because too much waits to be read already."""
    bytes_in: int
    bytes_out: int
