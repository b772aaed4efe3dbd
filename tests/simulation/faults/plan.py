"""What a seed stands for: a few settings, and a list of happenings with the pauses between them. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from mcpool.config.server import Retry, WhenAsking

Era = Literal["handshake", "modern"]

KINDS: dict[str, int] = {
    "call": 30,
    "call_calm": 6,
    "cancel": 5,
    "exit": 5,
    "vanish": 3,
    "eof": 2,
    "deaf": 2,
    "hear": 4,
    "slow_start": 2,
    "crash_loop": 2,
    "fails_to_start": 2,
    "mend": 5,
    "garbage": 2,
    "session_gone": 2,
    "tools_change": 3,
    "open_thread": 2,
    "close_thread": 2,
    "reload": 2,
    "reconnect": 1,
    "apply": 2,
    "status": 1,
}
"""What can happen, and how often in comparison."""

TOOLS: dict[str, int] = {"write": 5, "read": 3, "put": 2, "extra": 1}
"""The tools: one that may run only once, one that only reads, one that is idempotent, one that comes and goes."""

DEEDS: dict[str, int] = {
    "answers": 10,
    "answers_late": 4,
    "never_answers": 1,
    "exits_first": 2,
    "exits_after": 3,
    "half_an_answer": 2,
    "garbage_first": 2,
    "refuses": 2,
    "asks": 3,
    "asks_and_exits": 1,
    "reports_progress": 2,
    "lost_sent": 2,
    "lost_unsent": 2,
    "busy": 1,
    "unauthorized": 1,
}
"""What the server does about the first sending of a call. A second sending it answers."""

PAUSES = (0.0, 0.0, 0.0005, 0.001, 0.002, 0.003, 0.3, 1.0, 3.0, 12.0)
LONG_PAUSE = 400.0
"""Seconds; more than any idle time-out, back-off or budget."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens, and the seconds that pass after it."""

    kind: str
    tool: str
    deed: str
    number: int
    """Chooses among threads or calls."""
    pause: float

    def __str__(self) -> str:
        details = f" {self.tool} that {self.deed}" if self.kind == "call" else ""
        return f"{self.kind}{details} #{self.number}, then {self.pause:g} s"


@dataclass(frozen=True, slots=True)
class Plan:
    """A history before it happened."""

    seed: int
    eras: tuple[Era, ...]
    retry: Retry
    idle_timeout: float
    stop_when_unused: bool
    closing_takes: float
    answers_after: float
    """Seconds for which a person thinks about a question."""
    when_asking: WhenAsking
    happenings: tuple[Happening, ...]
    overlap: bool
    """Whether two processes may run beside each other on a reload."""


def plan(seed: int, length: int = 25) -> Plan:
    """Draw a history of at most `length` happenings."""
    draw = random.Random(seed)

    def one() -> Happening:
        return Happening(
            kind=_weighted(draw, KINDS),
            tool=_weighted(draw, TOOLS),
            deed=_weighted(draw, DEEDS),
            number=draw.randrange(1000),
            pause=LONG_PAUSE if draw.random() < 0.02 else draw.choice(PAUSES),
        )

    eras: tuple[tuple[Era, ...], ...] = (("handshake",), ("modern",), ("handshake", "modern"))
    retries: tuple[Retry, ...] = ("safe", "safe", "safe", "never", "always")
    ways: tuple[WhenAsking, ...] = ("overflow", "overflow", "serialise", "isolate", "decline")
    return Plan(
        seed=seed,
        eras=draw.choice(eras),
        retry=draw.choice(retries),
        idle_timeout=draw.choice((5.0, 300.0)),
        stop_when_unused=draw.random() < 0.2,
        closing_takes=draw.choice((0.0, 0.0, 0.002, 0.5)),
        answers_after=draw.choice((0.0, 0.5, 4.0, 1800.0)),
        when_asking=draw.choice(ways),
        happenings=tuple(one() for _ in range(draw.randint(3, length))),
        overlap=draw.random() < 0.6,
    )


def _weighted(draw: random.Random, choices: dict[str, int]) -> str:
    return draw.choices(tuple(choices), tuple(choices.values()))[0]
