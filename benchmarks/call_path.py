"""The library's call path: subjects by turns, each round of each in a process of its own."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.paths import ROOT

SUBJECTS = ("floor", "mcpool_step", "mcp_sdk", "fastmcp_client")
IN_FLIGHT = (1, 16, 64)
BIG = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Effort:
    """How long everything may take."""

    rounds: int
    seconds: float
    big_rounds: int


@dataclass(slots=True)
class Outcome:
    """What one subject showed: every round's points, or why there are none."""

    title: str
    points: dict[int, list[dict[str, float]]] = field(default_factory=dict[int, list[dict[str, float]]])
    big: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str | None = None

    def best(self, in_flight: int, key: str) -> float | None:
        """The best round: the highest rate, or the lowest of anything else."""
        values = [point[key] for point in self.points.get(in_flight, ())]
        return (max(values) if key == "per_second" else min(values)) if values else None

    def median(self, in_flight: int, key: str) -> float | None:
        values = [point[key] for point in self.points.get(in_flight, ())]
        return median(values) if values else None

    def best_big(self, key: str) -> float | None:
        return min((row[key] for row in self.big), default=None)


def run(effort: Effort, say: Any) -> dict[str, Outcome]:
    """Measure every subject."""
    outcomes = {name: Outcome(importlib.import_module(f"benchmarks.subjects.{name}").TITLE) for name in SUBJECTS}
    for number in range(effort.rounds):
        for name, outcome in outcomes.items():
            say(f"library, round {number + 1} of {effort.rounds}: {outcome.title}")
            _round(name, outcome, {"in_flight": list(IN_FLIGHT), "seconds": effort.seconds, "big": 0})
    for number in range(effort.big_rounds):
        for name, outcome in outcomes.items():
            say(f"a result of 32 MB, round {number + 1} of {effort.big_rounds}: {outcome.title}")
            _round(name, outcome, {"in_flight": [], "seconds": 0, "big": BIG})
    return outcomes


def _round(name: str, outcome: Outcome, wanted: dict[str, Any]) -> None:
    if outcome.error is not None:
        return
    try:
        answer = worker("benchmarks.call_path_worker", {"subject": name, **wanted}, 120)
    except WorkerFailed as exc:
        outcome.error = str(exc)
        return
    if "big" in answer:
        outcome.big.append(answer["big"])
    for point in answer.get("points", ()):
        outcome.points.setdefault(int(point["in_flight"]), []).append(point)


class WorkerFailed(Exception):
    """A measuring process failed; the message ends with its last words."""


def worker(module: str, wanted: dict[str, Any], seconds: float, *, python: Path | None = None) -> dict[str, Any]:
    """Run a measuring module in a process of its own and return the JSON that it prints last.

    `python` is the interpreter of an environment of its own, where the module's subject needs one.

    Raises:
        WorkerFailed: it exited with an error, or did not end in time.
    """
    command = [str(python or sys.executable), "-m", module, json.dumps(wanted)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as exc:
        msg = f"no result within {seconds:.0f} s"
        raise WorkerFailed(msg) from exc
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerFailed(words[-1][:300])
    return json.loads(done.stdout.splitlines()[-1])
