"""Plays new histories on every core until so many events happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from simulation.faults.play import Failed, play

SLICE = 50
"""Histories that a worker plays before it reports."""

ENOUGH = 10
"""Failures after which no more are looked for."""


@dataclass
class Tally:
    """What was played."""

    histories: int = 0
    events: int = 0
    calls: int = 0
    answered: int = 0
    processes: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Seeds, each with its story."""

    def add(self, other: Tally) -> None:
        """Count what another has counted as well."""
        self.histories += other.histories
        self.events += other.events
        self.calls += other.calls
        self.answered += other.answered
        self.processes += other.processes
        self.failed += other.failed

    def __str__(self) -> str:
        seeds = ", ".join(str(seed) for seed, _ in self.failed)
        return (
            f"{self.events:,} events in {self.histories:,} histories: {self.calls:,} calls, "
            f"{self.answered:,} answered, {self.processes:,} processes; "
            + (f"failed: seeds {seeds}" if self.failed else "every invariant held")
        )


def soak(first: int, events: int, say: Callable[[Tally], None]) -> Tally:
    """Play the seeds from `first` on; `say` is told how far it is now and then."""
    tally = Tally()
    seeds = _slices(first)
    with ProcessPoolExecutor() as workers:
        running: set[Future[Tally]] = {workers.submit(_play, next(seeds)) for _ in range((os.cpu_count() or 1) + 1)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                tally.add(one.result())
                if tally.events < events and len(tally.failed) < ENOUGH:
                    running.add(workers.submit(_play, next(seeds)))
            say(tally)
    return tally


def _slices(first: int) -> Iterator[range]:
    while True:
        yield range(first, first + SLICE)
        first += SLICE


def _play(seeds: range) -> Tally:
    tally = Tally(histories=len(seeds))
    for seed in seeds:
        try:
            played = play(seed)
        except Failed as failure:
            tally.failed.append((seed, str(failure)))
        else:
            tally.events += played.events
            tally.calls += played.calls
            tally.answered += played.answered
            tally.processes += played.processes
    return tally
