"""`make soak`: simulate a million events, then kill a real server 10,000 times under 64 callers."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulation.faults.soak import soak as simulate
from soak.kills import Soak

SHOWN = 50
"""Defects that are printed."""


class Reporter:
    """Says how far it is, at most every ten seconds."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._next = 10.0

    def __call__(self, text: object) -> None:
        if self.seconds >= self._next:
            self._next = self.seconds + 10.0
            print(f"{self.seconds:6.0f} s: {text}", file=sys.stderr, flush=True)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events to simulate; 0: none")
    parser.add_argument("--kills", type=int, default=10_000, help="kills of a real server; 0: none")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="where to begin; random unless given")
    wanted = parser.parse_args()
    wrong = 0
    if wanted.events:
        wrong += _simulate(wanted.seed, wanted.events)
    if wanted.kills:
        wrong += _kill(wanted.seed, wanted.kills)
    print(f"soak from seed {wanted.seed}: " + (f"{wrong} defects" if wrong else "no defect"))
    return 1 if wrong else 0


def _simulate(seed: int, events: int) -> int:
    """How many histories broke an invariant."""
    say = Reporter()
    tally = simulate(seed, events, say)
    for _, story in tally.failed[:SHOWN]:
        print(story)
    print(f"{tally}; from seed {seed}, {say.seconds:.0f} s", flush=True)
    return len(tally.failed)


def _kill(seed: int, kills: int) -> int:
    """How many things went wrong."""
    say = Reporter()
    with TemporaryDirectory() as folder:
        toll = asyncio.run(Soak(Path(folder), kills, seed, say).run())
    for line in toll.wrong[:SHOWN]:
        print(line)
    print(f"{toll}; seed {seed}, {say.seconds:.0f} s", flush=True)
    return len(toll.wrong)


if __name__ == "__main__":
    sys.exit(main())
