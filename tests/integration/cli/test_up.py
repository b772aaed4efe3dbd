"""`mcpool up`: the daemon from its start to its end, as a user and the system see it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from support.mcpool_home import DEMO, McpoolHome, wait_gone


@pytest.fixture
def unconfigured(home: Path) -> McpoolHome:
    return McpoolHome(home, config=None)


def test_without_any_configuration_the_demo_server_runs_and_each_client_is_told_what_to_paste(
    unconfigured: McpoolHome,
) -> None:
    with closing(unconfigured) as mcpool:
        said = mcpool.up("--port", "0").ready()
        assert "bundled demo server" in said
        for expected in (
            "claude mcp add demo",
            "[mcp_servers.demo]",
            '"mcpServers": {',
            '"servers": {',
            str(mcpool.path / "tokens" / "default"),
        ):
            assert expected in said
        assert mcpool.run("call", "demo", "clock").returncode == 0


def test_connections_that_speak_no_http_are_not_worth_a_line_in_the_log(mcpool: McpoolHome) -> None:
    mcpool.run("up", "--detach")
    port = int(mcpool.record()["endpoint"].split(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(b"garbage\r\n\r\n")
        assert peer.recv(1000).startswith(b"HTTP/1.1 400")
    assert "Invalid HTTP" not in (mcpool.path / "logs" / "daemon.log").read_text()


def test_the_demo_server_of_a_background_daemon_reads_no_token(unconfigured: McpoolHome) -> None:
    with closing(unconfigured) as mcpool:
        mcpool.run("up", "--detach", "--port", "0")
        token = (mcpool.path / "tokens" / "default").read_text()
        for folder in (".", "tokens"):
            done = mcpool.run("call", "demo", "search", json.dumps({"text": token[:6], "folder": folder}))
            assert (done.returncode, token in done.stdout + done.stderr) == (1, False)


def test_it_shows_how_each_server_started(mcpool: McpoolHome) -> None:
    mcpool.configure(DEMO + '[mcp_servers.broken]\ncommand = "no-such-command"\n')
    said = mcpool.up().ready()
    lines = [line.split()[:2] for line in said.splitlines()]
    assert ["demo", "ready"] in lines
    assert ["broken", "failed"] in lines


def test_everything_secret_is_for_the_user_alone(mcpool: McpoolHome) -> None:
    mcpool.up().ready()
    for name in ("daemon.sock", "daemon.json", "daemon.lock", "key", "tokens/default"):
        assert stat.S_IMODE((mcpool.path / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(mcpool.path.stat().st_mode) == 0o700


def test_the_endpoint_answers_and_wants_a_token(mcpool: McpoolHome) -> None:
    mcpool.up().ready()
    endpoint = mcpool.record()["endpoint"]
    with urllib.request.urlopen(endpoint.removesuffix("/mcp") + "/health") as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(endpoint, data=b"{}")
    assert refused.value.code == 401
    refused.value.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_its_servers_and_leaves_nothing_behind(mcpool: McpoolHome, number: signal.Signals) -> None:
    """H: SIGTERM and Ctrl-C end every server at once."""
    up = mcpool.up()
    up.ready()
    servers = mcpool.pids()
    assert servers
    assert up.end(number) == 128 + number
    for pid in servers:
        wait_gone(pid)
    assert not (mcpool.path / "daemon.sock").exists()
    assert not (mcpool.path / "daemon.json").exists()


def test_a_signal_while_servers_are_still_starting_ends_it_too(mcpool: McpoolHome) -> None:
    mcpool.configure(DEMO + '[mcp_servers.silent]\ncommand = "sleep"\nargs = ["1000"]\n')
    up = mcpool.up()
    up.read_until("demo  ready")
    assert up.end() == 128 + signal.SIGTERM


def test_a_second_daemon_of_a_home_says_that_the_first_runs_and_shows_it(mcpool: McpoolHome) -> None:
    mcpool.up().ready()
    second = mcpool.run("up", "--port", "1")
    assert second.returncode == 0
    assert f"already runs (pid {mcpool.record()['pid']})" in second.stdout
    assert "claude mcp add demo" in second.stdout
    assert "take effect after `mcpool stop`" in second.stdout


def test_a_taken_port_is_an_error_that_says_who_has_it_and_what_to_do(mcpool: McpoolHome) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = mcpool.run("up", "--port", str(port))
    assert done.returncode == 3
    assert f"port {port} on 127.0.0.1 is taken by pid {os.getpid()}" in done.stderr
    assert "--port N" in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_of_a_killed_daemon_are_no_obstacle(mcpool: McpoolHome) -> None:
    mcpool.up().ready()
    mcpool.kill()
    assert (mcpool.path / "daemon.sock").exists()
    mcpool.up().ready()
    assert mcpool.run("call", "demo", "clock").returncode == 0


def test_token_and_key_survive_a_restart(mcpool: McpoolHome) -> None:
    up = mcpool.up()
    up.ready()
    before = [(mcpool.path / name).read_bytes() for name in ("tokens/default", "key")]
    up.end()
    mcpool.up().ready()
    assert [(mcpool.path / name).read_bytes() for name in ("tokens/default", "key")] == before


def test_in_the_background_it_is_in_a_session_of_its_own_and_lasts_until_it_is_stopped(mcpool: McpoolHome) -> None:
    done = mcpool.run("up", "--detach")
    assert done.returncode == 0
    assert "claude mcp add demo" in done.stdout
    pid = mcpool.record()["pid"]
    assert os.getsid(pid) != os.getsid(0)
    assert mcpool.run("stop").returncode == 0
    wait_gone(pid)
    assert mcpool.run("status").returncode == 3


def test_in_the_background_it_says_what_is_wrong_with_the_configuration(mcpool: McpoolHome) -> None:
    mcpool.configure(DEMO + "[mcp_servers.x]\ncommand = 3\n")
    done = mcpool.run("up", "--detach")
    assert "1 server from" in done.stdout
    assert "each starts when it is first used" in done.stdout
    assert "mcp_servers.x.command" in done.stdout


def test_in_the_background_a_configuration_without_a_usable_server_is_told_to_the_starter(mcpool: McpoolHome) -> None:
    mcpool.configure("[daemon]\nport = 0\n[mcp_servers.x]\ncommand = 3\n")
    done = mcpool.run("up", "--detach")
    assert done.returncode == 3
    assert "config.toml:4: mcp_servers.x.command" in done.stderr


def test_another_configuration_file_can_be_used(mcpool: McpoolHome, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"other": {"command": "cat"}}}))
    mcpool.up("--config", str(file), "--port", "0").read_until("is ready")
    assert [row["name"] for row in mcpool.status()["servers"]] == ["other"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--port", "x"),
        ("up", "--port", "70000"),
        ("up", "--config", "/no/such/file"),
        ("frobnicate",),
        ("call", "demo"),
        ("token", "new", "../x"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(mcpool: McpoolHome, arguments: tuple[str, ...]) -> None:
    done = mcpool.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("mcpool")


def test_an_edit_of_the_configuration_is_taken_over_and_told(mcpool: McpoolHome) -> None:
    up = mcpool.up()
    up.ready()
    other = f"{DEMO}\n[mcp_servers.other]\ncommand = {json.dumps(sys.executable)}\nargs = ['-m', 'mcpool.demo']\n"
    mcpool.configure(other)
    assert "kept: demo; started: other" in up.read_until("started: other")
    mcpool.configure(f"{DEMO}\n[mcp_servers.other]\ncommand = 7\n")
    assert "kept: demo, other" in up.read_until("other.command")
