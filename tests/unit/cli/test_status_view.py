"""The status as it is shown: columns by width, remarks, and one server in detail."""

from __future__ import annotations

import io
from typing import Any

import pytest

from mcpool._version import __version__
from mcpool.cli.screen import Screen
from mcpool.cli.server_details import facts, show_server
from mcpool.cli.status import columns_for, remarks, show_status
from mcpool.cli.steer import what_happened


def row(**changes: Any) -> dict[str, Any]:
    return {
        "name": "git",
        "state": "ready",
        "pid": 7,
        "generation": 2,
        "restarts": 1,
        "leases": 3,
        "in_flight": 1,
        "scope": "shared",
        "cwd": "/srv",
        "last_error": None,
        "why": [],
        "notes": [],
        "tools": 12,
        "uptime": 75.0,
        "next_retry": None,
        "last_failure": None,
        "last_failure_ago": None,
        "last_words": "",
        "latency": {"requests": 40, "p50": 0.002, "p95": 0.02, "p99": 1.5},
        "memory": {"rss": 60_000_000, "pss": 43_000_000, "processes": 2},
        "server_name": "mcp-git",
        "server_version": "1.2",
        "era": "modern",
        "revision": "2026-07-28",
        "same_as": [],
        "capabilities": ["logging", "tools"],
        "phases": {"start": 0.004, "handshake": 1.2, "tools": 0.02},
        **changes,
    }


FIRST_ROUND = ("name", "state", "pid", "generation", "restarts", "leases", "in_flight", "scope", "cwd", "last_error")


def shown(*rows: dict[str, Any], **changes: Any) -> str:
    status: dict[str, Any] = {
        "version": __version__,
        "pid": 1,
        "uptime": 5,
        "clients": 0,
        "endpoint": "http://127.0.0.1:1/mcp",
        "token_file": "t",
        "socket": "s",
        "config": "c",
        "servers": list(rows),
        "problems": [],
        **changes,
    }
    stream = io.StringIO()
    show_status(status, Screen(stream))
    return stream.getvalue()


def titles(width: int | None) -> list[str]:
    return [column.title for column in columns_for(width)]


class TestTable:
    def test_a_narrow_terminal_has_the_essential(self):
        assert titles(80) == ["server", "state", "pid", "up", "restarts", "calls", "p95", "memory"]

    def test_a_wide_one_and_a_pipe_have_everything(self):
        assert titles(200) == titles(None)
        assert {"gen", "leases", "p50", "p99", "revision", "scope", "folder"} <= set(titles(None))

    @pytest.mark.parametrize("width", [80, 100, 110, 130, 150])
    def test_the_columns_fit(self, width: int):
        longest = row(name="filesystem", state="reconnecting", pid=4_194_304, uptime=86_400 * 99, cwd="/home/ann/x")
        cells = [(column.title, column.text(longest)) for column in columns_for(width)]
        assert sum(max(map(len, cell)) + 2 for cell in cells) - 2 <= width

    def test_in_a_pipe_it_is_aligned_plain_text(self):
        lines = shown(row(), row(name="x", latency=None, memory=None, uptime=None, pid=None)).splitlines()
        header, first, second = lines[5:8]
        assert header.split()[:4] == ["SERVER", "STATE", "PID", "UP"]
        assert first.index("1 min") == header.index("UP") == second.index("-", second.index("-") + 1)

    def test_the_row_of_an_older_daemon_is_shown_as_far_as_it_goes(self):
        old = {key: value for key, value in row().items() if key in FIRST_ROUND}
        assert "git" in shown(old)

    def test_a_daemon_of_another_version_is_pointed_out(self):
        assert f"this command is mcpool {__version__}" in shown(row(), version="0.0.1")
        assert "this command" not in shown(row())


class TestRemarks:
    def test_a_server_that_does_well_needs_none(self):
        assert remarks(row()) == []

    def test_what_is_wrong_is_told_with_the_next_attempt(self):
        ((text, style),) = remarks(
            row(state="failed", last_error="it exited", next_retry=11.2, last_failure="it exited")
        )
        assert text == "git: it exited; next attempt in 12 s, or now by `mcpool reconnect git`"
        assert style == "yellow"

    def test_a_failure_that_it_got_over_is_told_in_one_line_for_an_hour(self):
        ((text, style),) = remarks(row(last_failure="it exited\nTraceback", last_failure_ago=61.0))
        assert text == "git: it runs again; 1 min ago: it exited"
        assert style == "dim"
        assert remarks(row(last_failure="it exited", last_failure_ago=4000.0)) == []

    def test_a_process_of_its_own_is_explained(self):
        ((text, _),) = remarks(row(why=["cwd: /a and /b"]))
        assert text == "git: pid 7 is a process of its own: cwd: /a and /b"

    def test_servers_that_are_configured_alike_are_told_of_once(self):
        text = shown(row(same_as=["svn"]), row(name="svn", same_as=["git"]))
        assert text.count("git and svn are configured alike, so they are one process") == 1


class TestDetails:
    def test_all_that_is_known_is_said_once(self):
        said = dict(facts(row(last_words="listening"), "/home"))
        assert said["process"] == "pid 7, generation 2, up 1 min"
        assert said["use"] == "3 leases, 1 call in flight"
        assert said["latency"] == "p50 2.0 ms, p95 20 ms, p99 1.5 s (last 40 requests)"
        assert said["memory"] == "43 MB its own share (PSS), 60 MB resident (RSS), 2 processes"
        assert said["server"] == "mcp-git 1.2"
        assert said["protocol"] == "2026-07-28 (modern era)"
        assert said["offers"] == "logging, tools"
        assert said["start took"] == "process 4.0 ms, handshake 1.2 s, tools 20 ms"
        assert said["log"] == "/home/logs/git.log"
        assert said["last words"] == "listening"
        assert not {"error", "same as"} & set(said)

    def test_another_server_of_the_same_process_is_named(self):
        assert dict(facts(row(same_as=["svn"]), "/home"))["same as"] == "svn"

    def test_a_server_that_never_ran_has_little_to_say(self):
        nothing = row(pid=None, uptime=None, generation=0, tools=None, latency=None, memory=None, revision=None)
        said = dict(facts({**nothing, "server_name": None, "server_version": None, "phases": None}, "/home"))
        assert said["process"] == "none; 0 starts so far"
        assert not {"latency", "memory", "server", "protocol", "tools"} & set(said)

    def test_the_last_failure_is_not_told_twice(self):
        assert "last failure" not in dict(facts(row(last_error="x", last_failure="x", last_failure_ago=1.0), "/h"))
        assert dict(facts(row(last_failure="x", last_failure_ago=1.0), "/h"))["last failure"] == "1 s ago: x"

    def test_further_lines_stand_below_the_first(self):
        stream = io.StringIO()
        show_server(row(last_words="one\ntwo"), "/home", Screen(stream))
        lines = stream.getvalue().splitlines()
        assert lines[0] == "git  ready"
        assert [line.index(word) for line, word in zip(lines[-3:-1], ("one", "two"), strict=True)] == [15, 15]


@pytest.mark.parametrize(
    ("done", "text"),
    [
        ({"before": [1], "after": [2], "seconds": 0.314}, " in 0.31 s: pid 1 -> 2"),
        ({"before": [1, 3], "after": [4, 5], "seconds": 2}, " in 2.00 s: pid 1, 3 -> 4, 5"),
        ({"before": [], "after": [2], "seconds": 0.1}, " in 0.10 s: pid 2 (it did not run before)"),
        ({"before": [], "after": [], "seconds": 0.1}, " in 0.10 s"),
        ({}, ""),
    ],
)
def test_reconnect_tells_which_process_gave_way_to_which(done: dict[str, Any], text: str):
    assert what_happened(done) == text
