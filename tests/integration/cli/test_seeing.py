"""`mcpool status`, `logs` and `reconnect`, from a shell's point of view."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from mcpool.cli.log_file import rotated
from support.mcpool_home import McpoolHome, wait_gone

TALKATIVE = """
import json, sys
print("speaks on stderr", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        info = {"name": "talkative", "version": "2.5"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif message["method"] == "tools/list":
        result = {"tools": [{"name": "say", "inputSchema": {"type": "object"}}]}
    elif message["method"] == "tools/call":
        print(message["params"]["arguments"]["text"], file=sys.stderr, flush=True)
        result = {"content": []}
    else:
        result = None
    answer = {"result": result} if result else {"error": {"code": -32601, "message": "unknown"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


@pytest.fixture
def talkative(mcpool: McpoolHome) -> McpoolHome:
    """A home with a server that repeats on stderr what its tool `say` is told, one that can't start, and one by URL."""
    mcpool.configure_servers(
        talkative={"command": sys.executable, "args": ["-c", TALKATIVE], "cwd": str(mcpool.path)},
        broken={"command": sys.executable, "args": ["-c", "exit('no licence')"], "restart_max": 0},
        remote={"url": "http://127.0.0.1:9/mcp"},
    )
    return mcpool


def say(mcpool: McpoolHome, text: str) -> None:
    done = mcpool.run("call", "talkative", "say", f'{{"text": "{text}"}}')
    assert done.returncode == 0, done.stderr


def row(mcpool: McpoolHome, name: str = "talkative") -> dict[str, Any]:
    (found,) = [row for row in mcpool.status()["servers"] if row["name"] == name]
    return found


class TestStatus:
    def test_as_json_it_has_the_health_after_the_keys_of_old(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        found = row(talkative)
        assert list(found)[10:] == [
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
        assert (found["server_name"], found["server_version"]) == ("talkative", "2.5")
        assert (found["era"], found["revision"]) == ("handshake", "2025-11-25")
        assert found["last_words"] == "speaks on stderr\none"
        assert found["latency"]["requests"] == 1

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of processes")
    def test_it_tells_the_memory_of_a_server(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        memory = row(talkative)["memory"]
        assert memory["processes"] == 1
        assert 1_000_000 < memory["pss"] <= memory["rss"]

    def test_a_server_that_was_killed_shows_its_restart_and_why(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        pid = row(talkative)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        say(talkative, "two")
        found = row(talkative)
        assert (found["state"], found["restarts"], found["last_error"]) == ("ready", 1, None)
        assert "speaks on stderr" in found["last_failure"]
        assert "it runs again" in talkative.run("status").stdout

    def test_a_server_that_rests_says_when_it_is_tried_next(self, talkative: McpoolHome) -> None:
        talkative.run("tools", "broken")
        said = talkative.run("status").stdout
        assert "no licence" in said
        assert "next attempt in" in said
        assert "mcpool reconnect broken" in said

    def test_of_one_server_it_shows_all_that_is_known(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        said = talkative.run("status", "talkative").stdout
        assert said.startswith("talkative  ready\n")
        for label in ("process", "restarts", "use", "latency", "server", "protocol", "tools", "log", "last words"):
            assert f"\n  {label} " in said
        assert "broken" not in said

    def test_as_json_too_it_can_be_of_one_server(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        assert '"broken"' not in talkative.run("status", "talkative", "--json").stdout

    def test_of_an_unknown_server_is_exit_code_2_and_one_helpful_sentence(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        done = talkative.run("status", "talkativ")
        assert done.returncode == 2
        assert "did you mean `talkative`?" in done.stderr
        assert done.stderr.count("\n") == 1


class TestLogs:
    def test_of_a_server_they_are_what_it_wrote_to_stderr(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        say(talkative, "two")
        lines = talkative.run("logs", "talkative").stdout.splitlines()
        assert lines[-3:] == ["speaks on stderr", "one", "two"]

    def test_as_many_lines_as_wanted(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        assert talkative.run("logs", "talkative", "-n", "1").stdout == "one\n"

    def test_without_a_daemon_they_can_still_be_read(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        talkative.run("stop")
        assert "one\n" in talkative.run("logs", "talkative").stdout

    def test_without_a_name_they_are_the_daemon_s(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        assert "mcpool.daemon: ready on" in talkative.run("logs").stdout

    def test_followed_they_go_on_across_a_rotation(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        log = talkative.path / "logs" / "talkative.log"
        following = talkative.start("logs", "talkative", "-f", "-n", "1")
        assert following.stdout is not None
        assert following.stdout.readline() == "one\n"
        say(talkative, "two")
        assert following.stdout.readline() == "two\n"
        log.replace(rotated(log))
        say(talkative, "three")
        assert following.stdout.readline() == "three\n"

    def test_ctrl_c_ends_the_following(self, talkative: McpoolHome) -> None:
        say(talkative, "one")
        following = talkative.start("logs", "talkative", "-f", "-n", "1")
        assert following.stdout is not None
        assert following.stderr is not None
        following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 130
        assert following.stderr.read() == ""

    def test_of_an_unknown_server_is_exit_code_2_and_one_helpful_sentence(self, talkative: McpoolHome) -> None:
        done = talkative.run("logs", "talkativ")
        assert done.returncode == 2
        assert "did you mean `talkative`?" in done.stderr
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("talkative",), "has written nothing to stderr yet"),
            (("remote",), "is reached over HTTP"),
            ((), "the daemon has never run"),
        ],
    )
    def test_where_there_is_none_it_says_why(
        self, talkative: McpoolHome, arguments: tuple[str, ...], said: str
    ) -> None:
        done = talkative.run("logs", *arguments)
        assert done.returncode == 0
        assert done.stdout == ""
        assert said in done.stderr

    def test_of_a_server_that_was_taken_out_they_can_still_be_read(self, talkative: McpoolHome, home: Path) -> None:
        say(talkative, "one")
        talkative.configure_servers()
        assert talkative.run("apply").returncode == 0
        assert "one\n" in talkative.run("logs", "talkative").stdout


def test_reconnect_tells_which_process_gave_way_to_which(talkative: McpoolHome) -> None:
    say(talkative, "one")
    before = row(talkative)["pid"]
    said = talkative.run("reconnect", "talkative").stdout
    after = row(talkative)["pid"]
    assert after != before
    assert said.startswith("`talkative` was connected anew in ")
    assert said.endswith(f" s: pid {before} -> {after}\n")
