"""`mcpool connect` and the real daemon: started when needed, once, and replaced when it dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_daemon import Shim
from support.mcpool_home import DEMO, McpoolHome, wait_gone

Connect = Callable[..., Shim]

INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}


def shake_hands(shim: Shim) -> dict[str, Any]:
    shim.request(0, "initialize", **INITIALIZE)
    answer = shim.receive()
    shim.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return answer


def call(shim: Shim, identifier: int, tool: str, **arguments: Any) -> dict[str, Any]:
    shim.request(identifier, "tools/call", name=tool, arguments=arguments)
    answer = shim.receive()
    assert answer["id"] == identifier
    return answer


def test_when_no_daemon_runs_one_is_started(mcpool: McpoolHome, connect: Connect) -> None:
    answer = shake_hands(connect("demo"))
    assert "serverInfo" in answer["result"]


def test_clients_that_start_at_once_share_one_daemon_and_one_process(mcpool: McpoolHome, connect: Connect) -> None:
    shims = [connect("demo") for _ in range(6)]
    for shim in shims:
        shake_hands(shim)
    counts = [call(shim, 1, "counter", add=1)["result"]["structuredContent"] for shim in shims]
    assert len({count["pid"] for count in counts}) == 1
    assert len(mcpool.pids()) == 1


def test_a_killed_daemon_is_replaced_and_the_next_request_works(mcpool: McpoolHome, connect: Connect) -> None:
    """Invariant 11: the client goes on without knowing."""
    shim = connect("demo")
    shake_hands(shim)
    old = mcpool.kill()
    assert "result" in call(shim, 1, "clock")
    assert mcpool.record()["pid"] != old


def test_a_call_in_flight_when_the_daemon_is_killed_may_have_run(mcpool: McpoolHome, connect: Connect) -> None:
    """Invariant 6: it is not run again behind the client's back."""
    shim = connect("demo")
    shake_hands(shim)
    shim.send(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "slow", "arguments": {"seconds": 30, "steps": 100}, "_meta": {"progressToken": "p"}},
        }
    )
    assert shim.receive()["method"] == "notifications/progress"
    mcpool.kill()
    answer = shim.receive()
    while "id" not in answer:
        answer = shim.receive()
    assert (answer["id"], answer["error"]["code"]) == (1, -32011)


def test_after_stop_the_next_request_starts_it_again(mcpool: McpoolHome, connect: Connect) -> None:
    shim = connect("demo")
    shake_hands(shim)
    assert mcpool.run("stop").returncode == 0
    assert mcpool.run("status").returncode == 3
    assert "result" in call(shim, 1, "clock")


def test_a_replacement_goes_on_with_what_the_killed_daemon_was_told(
    mcpool: McpoolHome, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "other.toml"
    file.write_text(DEMO.replace("mcp_servers.demo", "mcp_servers.other"))
    mcpool.up("--config", str(file), "--port", "0").ready()
    shim = connect("other")
    shake_hands(shim)
    mcpool.kill()
    assert "result" in call(shim, 1, "clock")


def test_an_unknown_server_is_refused_with_the_names_of_the_known(mcpool: McpoolHome, connect: Connect) -> None:
    shim = connect("dem")
    shim.request(0, "initialize", **INITIALIZE)
    message = shim.receive()["error"]["message"]
    assert "did you mean `demo`? configured: demo" in message
    assert shim.process.wait(60) == 2


def test_a_daemon_that_cannot_start_is_explained_to_the_client(mcpool: McpoolHome, connect: Connect) -> None:
    mcpool.configure("[daemon]\nport = 0\n[mcp_servers.x]\ncommand = 3\n")
    shim = connect("x")
    shim.request(0, "initialize", **INITIALIZE)
    assert "config.toml:4: mcp_servers.x.command" in shim.receive()["error"]["message"]
    assert shim.process.wait(60) == 3


def test_a_server_taken_out_of_the_configuration_ends_its_clients(mcpool: McpoolHome, connect: Connect) -> None:
    mcpool.configure(DEMO + DEMO.partition("\n\n")[2].replace("mcp_servers.demo", "mcp_servers.second"))
    shim = connect("second")
    shake_hands(shim)
    mcpool.configure(DEMO)
    assert mcpool.run("apply").returncode == 0
    assert shim.process.wait(60) == 0
    assert b"taken out of the configuration" in shim.stderr.read()


def test_a_daemon_started_by_a_client_leaves_when_it_has_none(mcpool: McpoolHome, connect: Connect) -> None:
    mcpool.configure(DEMO.replace("port = 0", "port = 0\nidle_exit_sec = 3"))
    shim = connect("demo")
    shake_hands(shim)
    pid = mcpool.record()["pid"]
    assert shim.finish() == 0
    wait_gone(pid)
    assert not (mcpool.path / "daemon.json").exists()


def test_servers_see_nothing_of_the_environment_of_the_client_that_started_the_daemon(
    mcpool: McpoolHome, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_THIS_CLIENT_HAS_IT", "1")
    shake_hands(connect("demo"))
    for pid in (mcpool.record()["pid"], *mcpool.pids()):
        assert b"ONLY_THIS_CLIENT_HAS_IT" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_home_with_a_long_path_has_its_socket_under_tmp(tmp_path: Path) -> None:
    mcpool = McpoolHome(tmp_path / ("long" * 20) / "home")
    try:
        assert mcpool.run("call", "demo", "clock").returncode == 0
        path = Path(mcpool.record()["socket"])
        assert path.parent == Path(f"/tmp/mcpool-{os.getuid()}")
    finally:
        mcpool.close()
    assert not path.exists()
