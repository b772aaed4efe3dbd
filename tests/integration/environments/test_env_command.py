"""`mcpool env`, and a daemon whose servers run in an executor."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.exec_servers import ExecServer
from support.mcpool_home import McpoolHome


@pytest.fixture
def home(tmp_path: Path) -> Iterator[McpoolHome]:
    """A home with a server that runs in `box`, and no daemon yet."""
    with closing(McpoolHome(tmp_path / "home", config=None)) as home:
        demo = {"command": sys.executable, "args": ["-m", "mcpool.demo"], "cwd": ".", "environment_id": "box"}
        home.configure_servers(demo=demo)
        yield home


def token_file(far: ExecServer) -> str:
    return str(far.home / "exec-server.token")


def test_added_before_the_daemon_starts_its_servers_run_there(ours: ExecServer, home: McpoolHome) -> None:
    added = home.run("env", "add", "box", ours.url, "--token-file", token_file(ours))
    assert added.returncode == 0, added.stderr
    assert (home.path / "environments.toml").stat().st_mode & 0o777 == 0o600
    assert "demo  ready  4 tools" in home.up().ready()
    listed = home.run("env", "list")
    assert f"box  ready  {ours.url}  in {ours.root}" in listed.stdout
    (environment,) = home.status()["environments"]
    assert (environment["id"], environment["status"]) == ("box", "ready")
    called = home.run("call", "--json", "demo", "search", json.dumps({"text": "needle", "folder": "."}))
    assert called.returncode == 0, called.stderr
    (row,) = home.status()["servers"]
    assert (row["environment"], row["cwd"], row["pid"]) == ("box", str(ours.root), None)
    assert "the environment `box`" in home.run("status", "demo").stdout


def test_added_and_removed_while_the_daemon_runs(ours: ExecServer, home: McpoolHome) -> None:
    assert "demo  failed  its environment `box` is not available" in home.up().ready()
    (row,) = home.status()["servers"]
    assert row["last_error"] == "there is no environment `box`; `mcpool env add box URL` adds it"
    assert home.run("explain", "demo").returncode == 2
    refused = home.run("call", "demo", "clock")
    assert (refused.returncode, "its environment `box` is not available" in refused.stderr) == (3, True), refused.stderr
    assert "its environment `box` is not available" in home.run("doctor", "demo").stdout
    added = home.run("env", "add", "box", ours.url, "--token-file", token_file(ours))
    assert (added.returncode, "box  ready" in added.stdout) == (0, True), added.stderr
    assert home.run("explain", "demo").returncode == 0
    assert home.run("call", "demo", "clock").returncode == 0
    assert home.run("env", "remove", "box").returncode == 0
    assert home.status()["environments"] == []
    assert home.run("call", "demo", "clock").returncode != 0


def test_an_executor_that_can_not_be_reached_is_added_and_said(ours: ExecServer, home: McpoolHome) -> None:
    home.up().ready()
    added = home.run("env", "add", "box", ours.url)
    assert added.returncode == 3
    assert "refused us with 401; give the right `token`" in added.stdout
    assert "executor  box disconnected" in home.run("status").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "local", "ws://127.0.0.1:1"], "environment `local`: is a name that has a meaning already"),
        (["add", "box", "http://127.0.0.1:1"], "environment `box`: its URL is not a ws or wss URL"),
        (["add", "box", "ws://127.0.0.1:1", "--token-file", "/no/such"], "/no/such: the token could not be read"),
        (["remove", "box"], "environment `box`: environments.toml has none of this name; it has none"),
    ],
)
def test_what_can_not_be_is_said_and_changes_nothing(home: McpoolHome, arguments: list[str], said: str) -> None:
    done = home.run("env", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (home.path / "environments.toml").exists()


def test_comments_of_the_file_stay(home: McpoolHome) -> None:
    file = home.path / "environments.toml"
    file.write_text('# mine\n[environments.one]  # the first\nurl = "ws://127.0.0.1:1"\n')
    assert home.run("env", "add", "two", "ws://127.0.0.1:2", "--token", "${keyring:two}").returncode == 0
    assert home.run("env", "add", "two", "ws://127.0.0.1:2").returncode == 2
    assert home.run("env", "remove", "one").returncode == 0
    assert file.read_text() == '# mine\n\n[environments.two]\nurl = "ws://127.0.0.1:2"\ntoken = "${keyring:two}"\n'


def test_one_line_for_all_gets_one_more(home: McpoolHome) -> None:
    file = home.path / "environments.toml"
    file.write_text('environments = { one = { url = "ws://127.0.0.1:1" } }  # mine\n')
    assert home.run("env", "add", "two", "ws://127.0.0.1:2").returncode == 0
    written = file.read_text()
    assert tomllib.loads(written)["environments"].keys() == {"one", "two"}
    assert written.endswith("# mine\n")
