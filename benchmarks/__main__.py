"""`python -m benchmarks`: measures everything, and writes a table and a plot to `benchmarks/results/`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict

from benchmarks import call_path, frameworks, gateway, plot, recovery, report, start_up
from benchmarks.paths import RESULTS

PARTS = ("library", "gateway", "threads", "changes", "start-up", "recovery", "frameworks")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: three minutes instead of ten")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part anew; may be repeated")
    wanted = parser.parse_args()
    parts = wanted.only or PARTS
    began = time.monotonic()
    before = RESULTS / "results.json"
    results = report.Results(load=os.getloadavg()[0])
    if wanted.only and before.exists():
        results = report.earlier(json.loads(before.read_text()))

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", file=sys.stderr, flush=True)

    if "library" in parts:
        effort = call_path.Effort(2, 0.3, 1) if wanted.quick else call_path.Effort(6, 0.7, 3)
        results.call_path = call_path.run(effort, say)
    if "gateway" in parts:
        results.gateway = gateway.run(2 if wanted.quick else 5, 0.7 if wanted.quick else 1.5, say)
    if "threads" in parts:
        say("threads on five servers")
        results.threads = _worker("benchmarks.threads_worker", {"counts": [1, 10, 100, 1000]})
    if "changes" in parts:
        say("what is changed, and what is not")
        results.changes = _worker("benchmarks.changes_worker", {"rounds": 2 if wanted.quick else 6})
    if "start-up" in parts:
        results.start_up = start_up.run(2 if wanted.quick else 4, say)
    if "recovery" in parts:
        results.recovery = recovery.run(5 if wanted.quick else 20, 2 if wanted.quick else 5, say)
    if "frameworks" in parts:
        results.frameworks = frameworks.run(1 if wanted.quick else 3, 5 if wanted.quick else 20, say)
    results.minutes += (time.monotonic() - began) / 60
    text = report.markdown(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "results.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
    (RESULTS / "results.md").write_text(text)
    plot.draw(results, RESULTS)
    print(text)
    say(f"written to {RESULTS}")
    return 0


def _worker(module: str, options: dict[str, object]) -> dict[str, object]:
    try:
        return call_path.worker(module, options, 120)
    except call_path.WorkerFailed as exc:
        return {"error": str(exc)}


sys.exit(main())
