"""`mcpool doctor` with a real daemon, real servers, and a client's file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.mcpool_home import McpoolHome

DEMO = {"command": sys.executable, "args": ["-m", "mcpool.demo"]}


@pytest.fixture(autouse=True)
def user_home(mcpool: McpoolHome, tmp_path: Path) -> Path:
    """A user without any client, and without a shell of their own to wait for."""
    mcpool.environ |= {"HOME": str(tmp_path), "SHELL": "/bin/sh"}
    return tmp_path


def test_a_server_that_works_is_described_and_nothing_is_wrong(mcpool: McpoolHome) -> None:
    done = mcpool.run("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo  ready" in done.stdout
    assert "2026-07-28 (modern era); offers prompts, resources, tools" in done.stdout
    assert "handshake" in done.stdout
    assert "nothing is wrong" in done.stdout


def test_each_broken_server_is_told_with_what_mends_it(mcpool: McpoolHome) -> None:
    mcpool.configure_servers(
        demo=DEMO,
        gone={"command": "no-such-thing"},
        dies={"command": "sh", "args": ["-c", "echo oh no >&2; exit 3"]},
        far={"url": "http://127.0.0.1:9/mcp"},
    )
    done = mcpool.run("doctor", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    errors = {found["about"]: found for found in told["findings"] if found["severity"] == "error"}
    assert set(errors) == {"gone", "dies", "far"}
    assert "was not found on the PATH" in errors["gone"]["what"]
    assert "oh no" in errors["dies"]["what"]
    assert "refused" in errors["far"]["what"]
    states = {server["name"]: server["start_error"] is None for server in told["servers"]}
    assert states["demo"] is True


def test_what_may_be_secret_in_a_configuration_is_not_told(mcpool: McpoolHome) -> None:
    mcpool.configure_servers(
        demo={**DEMO, "args": [*DEMO["args"], "--key", "hush-1"], "env": {"KEY": "hush-2"}},
        far={"url": "http://me:hush-3@127.0.0.1:9/mcp/hush-4?key=hush-5"},
    )
    for form in ((), ("--json",)):
        done = mcpool.run("doctor", *form)
        assert "127.0.0.1:9" in done.stdout
        assert "hush" not in done.stdout + done.stderr


def test_of_one_server_only_that_is_told(mcpool: McpoolHome) -> None:
    mcpool.configure_servers(demo=DEMO, gone={"command": "no-such-thing"})
    done = mcpool.run("doctor", "demo")
    assert (done.returncode, "no-such-thing" in done.stdout) == (0, False)
    unknown = mcpool.run("doctor", "dem")
    assert unknown.returncode == 2
    assert "did you mean `demo`?" in unknown.stderr


def test_a_broken_configuration_is_told_and_the_rest_examined(mcpool: McpoolHome) -> None:
    mcpool.configure("[mcp_servers.demo\n")
    done = mcpool.run("doctor")
    assert done.returncode == 1
    assert "is not valid TOML" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_clients_file_is_examined(mcpool: McpoolHome, user_home: Path) -> None:
    file = user_home / ".cursor" / "mcp.json"
    file.parent.mkdir()
    own: dict[str, object] = {
        "mine": DEMO,
        "found": {"command": sys.executable, "args": ["-m", "mcpool", "connect", "demo?tools=search"]},
        "demo": {"command": "/gone/mcpool", "args": ["connect", "demo"]},
    }
    file.write_text(json.dumps({"mcpServers": own}))
    done = mcpool.run("doctor")
    assert done.returncode == 1
    assert "starts /gone/mcpool, which is not there" in done.stdout
    assert "it starts `mine` by itself" in done.stdout
    assert "demo?tools=search" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of processes")
def test_a_copy_outside_mcpool_is_found_with_its_memory(mcpool: McpoolHome) -> None:
    argument = "--for-this-test-alone"
    mcpool.configure_servers(demo={**DEMO, "args": ["-m", "mcpool.demo", argument]})
    command = [sys.executable, "-m", "mcpool.demo", argument]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as copy:
        told = json.loads(mcpool.run("doctor", "--json").stdout)
        assert copy.poll() is None, "the demo server takes no such argument any more"
        copy.terminate()
    (stray,) = [each for each in told["outside"] if each["pid"] == copy.pid]
    assert (stray["server"], stray["processes"]) == ("demo", 1)
    assert stray["memory"] > 1_000_000
    assert any("runs a copy of its own" in found["what"] for found in told["findings"])
