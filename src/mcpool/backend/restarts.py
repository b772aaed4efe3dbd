"""When may a server that ended be started again? Pure.

The first restart after a death is immediate. Starts that fail, and lives in which nothing was served, are followed by
waits that double up to a cap, each a random part of itself so that servers which fell together do not rise together.
More endings than the budget allows open the circuit: nothing is started until its time, and then the first who wants
the server makes one attempt, the half-open probe. A healthy minute wipes the slate clean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_WAIT = 0.5
MOST_WAIT = 30.0
"""Seconds between which the waits double, before chance shortens them."""

HEALTHY_AFTER = 60.0
"""Seconds of life after which what came before no longer counts."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How often it may be started again by itself: `most` times in any `window` seconds."""

    most: int = 5
    window: float = 60.0
    patience: float = 0.0
    """Seconds for which attempts go on however many fail, where an attempt costs no process."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A connection that ended although nobody asked for it, or a start that failed. Times are the event loop's."""

    at: float
    ready_for: float | None
    """Seconds from being ready to the end; None: it never was."""
    served: bool = False
    """Whether it answered anything after it was ready."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is remembered of the endings so far, and what follows from it."""

    endings: tuple[float, ...] = ()
    """When, as far as the budget counts them, oldest first."""
    streak: int = 0
    """Attempts in a row that served nothing."""
    since: float = 0.0
    """When the streak began."""
    retry_at: float = 0.0
    """When it may be started again."""
    open: bool = False
    """The budget is spent: nothing starts before `retry_at`, and what fails then keeps it open."""

    def admits(self, now: float) -> bool:
        """Whether somebody who wants the server may start it."""
        return not self.open or now >= self.retry_at


def after_ending(before: Restarts, budget: Budget, ending: Ending, chance: float) -> Restarts:
    """What follows from one more ending. `chance` is a random number in [0, 1)."""
    if ending.ready_for is not None and ending.ready_for >= HEALTHY_AFTER:
        before = Restarts()
    endings = (*(at for at in before.endings if at > ending.at - budget.window), ending.at)
    streak = 0 if ending.served else before.streak + 1
    since = before.since if before.streak and streak else ending.at
    probe_failed = before.open and not ending.served
    spent = len(endings) > budget.most and ending.at - since >= budget.patience
    if spent or probe_failed:
        return Restarts(endings, streak, since, ending.at + budget.window, open=True)
    # A death is answered at once, and only what follows it in vain has to wait.
    doublings = streak - 1 if ending.ready_for is None else streak - 2
    wait = 0.0 if doublings < 0 else min(FIRST_WAIT * 2.0 ** min(doublings, 32), MOST_WAIT) * chance
    return Restarts(endings, streak, since, ending.at + wait)


def forgiven(before: Restarts, now: float) -> Restarts:
    """Somebody wants it to be tried at once, whatever was: the circuit closes and the budget is whole."""
    return replace(before, endings=(), streak=0, since=now, retry_at=now, open=False)


def why_open(history: Restarts, budget: Budget, now: float) -> str:
    """The state of an open circuit, for people."""
    times = len(history.endings)
    wait = max(0.0, history.retry_at - now)
    return (
        f"it ended or did not start {times} time{'' if times == 1 else 's'} within {budget.window:g} s, "
        f"and is not started again for another {wait:.0f} s"
    )
