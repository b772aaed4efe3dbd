"""`python -m tests.simulation.faults SEED`: replay a history. `--events N`: play new ones until N events happened."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulation.faults.play import Failed, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.faults", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="the seed to replay, or to begin with")
    parser.add_argument("--events", type=int, help="play histories, seed after seed, until so many events happened")
    wanted = parser.parse_args()
    if wanted.events is None:
        if wanted.seed is None:
            parser.error("name a SEED to replay, or --events N")
        return _replay(wanted.seed)
    return soak(secrets.randbits(32) if wanted.seed is None else wanted.seed, wanted.events)


def _replay(seed: int) -> int:
    try:
        play(seed, shown=print)
    except Failed as failed:
        print(str(failed).splitlines()[0])
        return 1
    print(f"seed {seed}: every invariant held")
    return 0


def soak(first: int, events: int) -> int:
    """Play new histories until so many events happened; returns the exit status."""
    began = time.monotonic()
    seed, happened, calls, answered, processes, told = first, 0, 0, 0, 0, 0.0
    failed: list[int] = []
    while happened < events and len(failed) < 10:
        try:
            played = play(seed)
        except Failed as failure:
            print(failure, flush=True)
            failed.append(seed)
        else:
            happened += played.events
            calls += played.calls
            answered += played.answered
            processes += played.processes
        seed += 1
        if (now := time.monotonic() - began) > told + 10:
            told = now
            print(f"{now:5.0f} s: {happened:,} events in {seed - first:,} histories", file=sys.stderr, flush=True)
    print(
        f"{happened:,} events in {seed - first:,} histories from seed {first}: {calls:,} calls, {answered:,} answered, "
        f"{processes:,} processes, in {time.monotonic() - began:.0f} s; "
        + (f"failed: seeds {', '.join(map(str, failed))}" if failed else "every invariant held")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
