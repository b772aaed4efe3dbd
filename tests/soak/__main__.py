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

from simulation.faults.__main__ import soak as simulate
from soak.kills import Soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events to simulate; 0: none")
    parser.add_argument("--kills", type=int, default=10_000, help="kills of a real server; 0: none")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="where to begin; random unless given")
    wanted = parser.parse_args()
    failed = simulate(wanted.seed, wanted.events) if wanted.events else 0
    return _kill(wanted.seed, wanted.kills) or failed if wanted.kills else failed


def _kill(seed: int, kills: int) -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s: {text}", file=sys.stderr, flush=True)

    with TemporaryDirectory() as folder:
        toll = asyncio.run(Soak(Path(folder), kills, seed, say).run())
    print(f"{toll}; seed {seed}, {time.monotonic() - began:.0f} s")
    for line in toll.wrong[:50]:
        print(line)
    return 1 if toll.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
