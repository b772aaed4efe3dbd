"""However the daemon ends, nothing that it started outlives it, and its clients go on over the next one."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gatewaykit.http_client import HttpClient
from gatewaykit.waiting import until
from support.mcpool_home import McpoolHome, wait_gone
from support.ports import closed_port
from support.real_servers import DEMO, lives
from support.reports import STUBBORN, Reports, stubborn_command
from support.sdk_clients import Mode, by_shim, text

_DEMO = {**DEMO, "cwd": "/"}


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[Reports]:
    """Reports of the stubborn server's processes; none of them outlives the test."""
    with closing(Reports(tmp_path / "reports")) as reports:
        yield reports


@pytest.fixture
def stubborn(mcpool: McpoolHome, reports: Reports) -> McpoolHome:
    """A home in which the stubborn server is configured beside the demo server."""
    command, *args = stubborn_command(reports)
    mcpool.configure_servers(stubborn={"command": command, "args": args, "cwd": "/"}, demo=_DEMO)
    return mcpool


def warden_of(daemon: int) -> int | None:
    """The process id of the daemon's warden."""
    for child in Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split():
        try:
            if b"warden.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        except OSError:
            continue
    return None


@pytest.mark.parametrize("background", [False, True], ids=["foreground", "background"])
def test_killed_daemon_takes_every_descendant_of_its_servers_along(
    stubborn: McpoolHome, reports: Reports, background: bool
) -> None:
    """Invariant 8: they ignore SIGTERM, call `setsid`, fork twice or cleared their environment."""
    if background:
        assert stubborn.run("up", "--detach").returncode == 0
        assert stubborn.run("tools").returncode == 0  # starts them
    else:
        stubborn.up().ready()
    reports.wait_for(*STUBBORN)
    demo, warden = stubborn.pids(), warden_of(stubborn.record()["pid"])

    stubborn.kill()

    reports.wait_until_gone(*STUBBORN)
    for pid in [*demo, warden]:
        assert pid is not None
        wait_gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_daemon_ended_by_a_signal_is_gone_only_after_all_of_them(
    stubborn: McpoolHome, reports: Reports, number: signal.Signals
) -> None:
    up = stubborn.up()
    up.ready()
    reports.wait_for(*STUBBORN)
    pids = [*stubborn.pids(), warden_of(up.process.pid)]

    assert up.end(number) == 128 + number

    assert not reports.living(*STUBBORN)
    assert not [pid for pid in pids if pid is not None and lives(pid)]


def test_second_ctrl_c_ends_it_at_once_and_the_warden_ends_the_rest(stubborn: McpoolHome, reports: Reports) -> None:
    up = stubborn.up()
    up.ready()
    reports.wait_for(*STUBBORN)
    up.process.send_signal(signal.SIGINT)
    up.read_until("another Ctrl-C ends at once")
    up.end(signal.SIGINT)
    reports.wait_until_gone(*STUBBORN)


def test_daemon_ended_while_servers_start_leaves_none(mcpool: McpoolHome, reports: Reports) -> None:
    """This one never gets as far as its handshake."""
    command, *args = stubborn_command(reports)
    script = f'exec "{command}" "$@" < /dev/null'
    silent = {"command": "/bin/sh", "args": ["-c", script, "sh", *args], "cwd": "/"}
    mcpool.configure_servers(silent=silent)
    up = mcpool.up()
    reports.wait_for(*STUBBORN)
    assert up.end(signal.SIGINT) == 128 + signal.SIGINT
    assert not reports.living(*STUBBORN)


def test_daemon_that_cannot_start_leaves_no_process_and_says_why(mcpool: McpoolHome) -> None:
    """An error after the host and its warden are up: its socket can't be made."""
    mcpool.configure_servers(demo=_DEMO)
    (mcpool.path / "daemon.sock").mkdir()
    done = mcpool.run("up")
    assert done.returncode == 3
    assert "daemon.sock" in done.stderr
    assert "Traceback" not in done.stderr
    assert _started_by(mcpool) == []


def _started_by(mcpool: McpoolHome) -> list[int]:
    """Processes that carry the cookie of this home."""
    cookie = b"MCPOOL_HOST=" + (mcpool.path / "id").read_bytes().strip() + b"."
    found: list[int] = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and cookie in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_killed_warden_is_replaced_and_nothing_else_changes(stubborn: McpoolHome, reports: Reports) -> None:
    up = stubborn.up()
    up.ready()
    reports.wait_for(*STUBBORN)
    daemon, before = up.process.pid, stubborn.pids()
    old = warden_of(daemon)
    assert old is not None

    os.kill(old, signal.SIGKILL)
    await until(lambda: warden_of(daemon) not in (None, old))

    assert stubborn.pids() == before
    assert reports.living(*STUBBORN) == set(STUBBORN)
    assert stubborn.run("call", "demo", "clock").returncode == 0
    stubborn.kill()
    reports.wait_until_gone(*STUBBORN)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_shim_goes_on_over_a_new_daemon_after_the_kill(mcpool: McpoolHome, mode: Mode) -> None:
    """Invariant 11. The next daemon has processes of its own; those of the killed one are gone."""
    mcpool.configure_servers(demo=_DEMO)
    async with by_shim(mcpool, "demo", mode) as client:
        await client.call_tool("counter", {"add": 5})
        (old,) = mcpool.pids()
        killed = mcpool.kill()
        assert json.loads(text(await client.call_tool("counter", {"add": 1})))["value"] == 1
        wait_gone(old)
        assert mcpool.record()["pid"] != killed


async def test_http_session_goes_on_over_a_new_daemon_after_the_kill(mcpool: McpoolHome) -> None:
    """Invariant 11: its id is made again from what it carries."""
    mcpool.configure_servers(demo=_DEMO)
    port = closed_port()
    mcpool.up("--port", str(port)).ready()
    async with HttpClient(port, "/mcp/demo", token=mcpool.token()) as client:
        await client.initialize()
        await client.result("tools/call", {"name": "counter", "arguments": {"add": 5}})
        mcpool.kill()
        mcpool.up("--port", str(port)).ready()
        result = await client.result("tools/call", {"name": "counter", "arguments": {"add": 1}})
        assert result["structuredContent"]["value"] == 1


async def test_call_in_flight_when_the_daemon_is_killed_is_answered_and_not_run_again(mcpool: McpoolHome) -> None:
    """Invariant 6: it may have run, and nobody runs it a second time."""
    mcpool.configure_servers(demo=_DEMO)

    async def kill_at_first_progress(progress: float, total: float | None, message: str | None) -> None:
        if progress == 1:
            mcpool.kill()

    async with by_shim(mcpool, "demo", "legacy") as client:
        slow = {"seconds": 60, "steps": 100}
        with pytest.raises(Exception, match="may or may not have run"):
            await client.call_tool("slow", slow, progress_callback=kill_at_first_progress)
        text(await client.call_tool("clock", {}))
    assert [row["in_flight"] for row in mcpool.status()["servers"]] == [0]
