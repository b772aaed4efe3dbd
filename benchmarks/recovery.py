"""How long nobody can call a server that was killed, and what it costs a call that servers are watched."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.call_path import WorkerFailed, worker
from benchmarks.http_client import INITIALIZE
from benchmarks.paths import ECHO, INSTALLED

TITLES = {
    "mcpool": "mcpool",
    "google_adk": "google-adk session manager",
    "fastmcp_per_call": "fastmcp client, entered for each call",
    "fastmcp_held": "fastmcp client, held open",
    "mcp_sdk": "mcp SDK client",
}
_OWN_ENVIRONMENT = {"google_adk": INSTALLED / "google-adk" / "bin" / "python"}
WATCHED = {"without heartbeat": 0, "with a heartbeat each second": 1}


@dataclass(slots=True)
class Recovery:
    """Seconds. `times` of a subject are None if its calls fail for ever, missing if it could not be measured."""

    start: float = 0.0
    """The server's own start, to the answers to `initialize` and `tools/list`; the median."""
    times: dict[str, list[float] | None] = field(default_factory=dict[str, "list[float] | None"])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    p50: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Of a call, with and without heartbeat."""

    def median(self, name: str) -> float | None:
        """Seconds from the kill to the next call that works, without the server's own start; the median."""
        times = self.times.get(name)
        return max(0.0, median(times) - self.start) if times else None

    def worst(self, name: str) -> float | None:
        times = self.times.get(name)
        return max(0.0, max(times) - self.start) if times else None


def run(kills: int, rounds: int, say: Any) -> Recovery:
    """Kill the server behind each subject `kills` times, and measure a call `rounds` times."""
    found = Recovery()
    starts: list[float] = []
    for name, title in TITLES.items():
        say(f"recovery: {title}")
        starts += [_start() for _ in range(5)]  # between the subjects, so that a busy moment hits all alike
        python = _OWN_ENVIRONMENT.get(name)
        if python is not None and not python.exists():
            found.failed[name] = "not installed"
            continue
        try:
            wanted = {"subject": name, "kills": kills}
            found.times[name] = worker("benchmarks.recovery_worker", wanted, 120, python=python)["times"]
        except WorkerFailed as exc:
            found.failed[name] = str(exc)
    found.start = median(starts)
    for number in range(rounds):
        for title, heartbeat in WATCHED.items():
            say(f"a call {title}, round {number + 1} of {rounds}")
            wanted = {"subject": "mcpool_step", "in_flight": [1], "seconds": 1.0, "big": 0, "heartbeat": heartbeat}
            (point,) = worker("benchmarks.call_path_worker", wanted, 60)["points"]
            found.p50.setdefault(title, []).append(point["p50"])
    return found


def _start() -> float:
    """Start the server by hand and speak to it: what no client can save."""
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]
    began = time.perf_counter()
    with subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                process.stdout.readline()
        took = time.perf_counter() - began
        process.stdin.close()
    return took
