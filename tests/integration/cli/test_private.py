"""`mcpool run -- COMMAND`: a daemon for one command, of which nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from support.mcpool_home import TIMEOUT, McpoolHome, wait_gone

MCPOOL = f"{sys.executable} -m mcpool"


@pytest.fixture
def pool(home: Path, tmp_path: Path) -> Iterator[McpoolHome]:
    """A user whose temporary files are the test's."""
    with closing(McpoolHome(home)) as pool:
        (tmp_path / "temporary").mkdir()
        pool.environ["TMPDIR"] = str(tmp_path / "temporary")
        yield pool


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "temporary").iterdir()]


def start(pool: McpoolHome, *command: str) -> subprocess.Popen[str]:
    """Start it in a session of its own, as a CI does."""
    given: Sequence[str] = [sys.executable, "-m", "mcpool", "run", "--", *command]
    return subprocess.Popen(
        given,
        env=pool.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_command_finds_a_daemon_of_its_own_and_nothing_is_left(pool: McpoolHome, tmp_path: Path) -> None:
    call = f"{MCPOOL} call demo counter '{{\"add\": 1}}'"
    done = pool.run("run", "--", "sh", "-c", f"{call}; {call}; {MCPOOL} status --json")
    assert done.returncode == 0, done.stderr
    first, second, *rest = done.stdout.splitlines()
    assert (json.loads(first)["value"], json.loads(second)["value"]) == (1, 2)
    status = json.loads("\n".join(rest))
    assert status["config"] == str(pool.path / "config.toml")
    for pid in (status["pid"], json.loads(first)["pid"]):
        wait_gone(pid)
    assert left(tmp_path) == []
    assert not (pool.path / "daemon.json").exists()


def test_over_http_it_is_found_by_url_and_token(pool: McpoolHome) -> None:
    program = (
        "import os, urllib.request as r\n"
        "q = r.Request(os.environ['MCPOOL_URL'], b'{}', {'Authorization': 'Bearer ' + os.environ['MCPOOL_TOKEN']})\n"
        "try: r.urlopen(q)\n"
        "except Exception as e: print(e.code)\n"
    )
    done = pool.run("run", "--", sys.executable, "-c", program)
    assert done.stdout.strip() not in ("401", ""), done.stderr


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -KILL $$", 137), ("true", 0)])
def test_the_exit_code_is_the_commands(pool: McpoolHome, script: str, code: int) -> None:
    assert pool.run("run", "--", "sh", "-c", script).returncode == code


def test_what_cannot_be_run_is_told_as_a_shell_does(pool: McpoolHome, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    assert pool.run("run", "--", "no-such-thing").returncode == 127
    assert pool.run("run", "--", str(tmp_path / "text")).returncode == 126
    assert pool.run("run").returncode == 2
    assert pool.run("run", "--config", "/no/such", "--", "true").returncode == 2
    assert left(tmp_path) == []


def test_options_of_the_command_are_the_commands(pool: McpoolHome) -> None:
    assert pool.run("run", "--", "echo", "--config", "x", "--", "y").stdout == "--config x -- y\n"


def test_servers_see_the_variables_of_whoever_runs_it(pool: McpoolHome, tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path(os.environ['SEEN']).write_text('yes')"
    pool.configure_servers(odd={"command": sys.executable, "args": ["-c", code], "env_vars": ["SEEN"]})
    pool.environ["SEEN"] = str(tmp_path / "seen")
    pool.run("run", "--", "sh", "-c", f"{MCPOOL} tools odd")
    assert (tmp_path / "seen").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_command(pool: McpoolHome, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    with start(pool, "sh", "-c", f"trap 'kill $!; exit 9' {name}; sleep 60 & echo ready; wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 9


def test_killed_nothing_that_it_started_stays(pool: McpoolHome) -> None:
    """`kill -9`: the daemon, its servers, the command and what that started."""
    script = f"{MCPOOL} call demo counter; sleep 60 & echo $! $$; wait"
    with start(pool, "sh", "-c", script) as process:
        assert process.stdout is not None
        server = json.loads(process.stdout.readline())["pid"]
        pids = [server, *map(int, process.stdout.readline().split())]
        os.kill(process.pid, signal.SIGKILL)
        for pid in pids:
            wait_gone(pid)


def test_a_home_that_was_left_goes_with_the_next_run(pool: McpoolHome, tmp_path: Path) -> None:
    old = tmp_path / "temporary" / "mcpool-run-old"
    young = tmp_path / "temporary" / "mcpool-run-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    assert pool.run("run", "--", "true").returncode == 0
    assert left(tmp_path) == ["mcpool-run-young"]
