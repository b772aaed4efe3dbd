"""`python -m tests.simulation.faults SEED`: replay a history."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulation.faults.play import Failed, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.faults", description=__doc__)
    parser.add_argument("seed", type=int, help="the seed to replay")
    seed: int = parser.parse_args().seed
    try:
        play(seed, shown=print)
    except Failed as failed:
        print(str(failed).splitlines()[0])
        return 1
    print(f"seed {seed}: every invariant held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
