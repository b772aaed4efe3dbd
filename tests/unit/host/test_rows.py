"""Health as rows for JSON."""

from __future__ import annotations

import json

from mcpool.backend.latency import Latency
from mcpool.host.health import Health
from mcpool.host.rows import rows
from mcpool.launch.memory import Memory

DOCUMENTED = [
    "name",
    "state",
    "pid",
    "generation",
    "restarts",
    "leases",
    "in_flight",
    "scope",
    "cwd",
    "last_error",
    "why",
    "notes",
    "tools",
    "uptime",
    "next_retry",
    "last_failure",
    "last_failure_ago",
    "last_words",
    "latency",
    "memory",
    "server_name",
    "server_version",
    "era",
    "revision",
    "same_as",
    "capabilities",
    "phases",
    "environment",
]


def test_the_keys_and_their_order_are_promised():
    (row,) = rows([Health(server="git", state="idle", scope="shared")])
    assert list(row) == DOCUMENTED


def test_a_server_without_a_process_has_nothing_measured():
    (row,) = rows([Health(server="git", state="disabled", scope="shared")], {7: Memory(1, 1, 1)})
    assert (row["pid"], row["uptime"], row["latency"], row["memory"]) == (None, None, None, None)


def test_memory_is_that_of_its_own_process():
    found = [Health(server="git", state="ready", scope="shared", pid=pid) for pid in (7, 8)]
    memory = [row["memory"] for row in rows(found, {7: Memory(rss=2, pss=1, processes=3)})]
    assert memory == [{"rss": 2, "pss": 1, "processes": 3}, None]


def test_all_of_it_is_json():
    health = Health(
        server="git",
        state="ready",
        scope="shared",
        uptime=1.23456,
        latency=Latency(3, 0.0012345678, 0.5, 1.0),
        why=("cwd",),
        notes=("noise",),
    )
    row = json.loads(json.dumps(rows([health])))[0]
    assert row["uptime"] == 1.2
    assert row["latency"] == {"requests": 3, "p50": 0.001235, "p95": 0.5, "p99": 1.0}
    assert (row["why"], row["notes"]) == (["cwd"], ["noise"])
