"""A server that cannot stay up costs no more than its budget, harms nobody else, and is used again once mended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

import mcpool
from gatewaykit.waiting import until
from mcpool.errors import ServerUnavailable
from mcpool.host import Host
from support.lasting import Lasting
from support.mcpool_home import McpoolHome
from support.real_servers import DEMO, servers
from support.sdk_clients import by_shim, text

BUDGET = 3
_BREAKABLE = """
import os, pathlib, runpy, sys
broken, program, record = sys.argv[1:4]
if pathlib.Path(broken).exists():
    with open(record, "a") as file:
        file.write(f"broken {os.getpid()}\\n")
    sys.exit("breakable: my disk is full")
sys.argv[1:] = [record]
runpy.run_path(program, run_name="__main__")
"""


class Breakable:
    """The lasting server, behind a switch: while the file `broken` exists it exits at once."""

    def __init__(self, folder: Path, lasting: Lasting) -> None:
        self.lasting = lasting
        self._broken = folder / "broken"
        command = lasting.entry
        program, record = command["args"][-2:]
        args = ["-I", "-S", "-c", _BREAKABLE, str(self._broken), program, record]
        self.entry: dict[str, Any] = {**command, "args": args, "restart_max": BUDGET, "restart_window_sec": 3600}

    def breaks(self) -> None:
        self._broken.touch()

    def is_mended(self) -> None:
        self._broken.unlink()

    @property
    def failures(self) -> int:
        """How many processes found themselves broken."""
        return self.lasting.count("broken")


@pytest.fixture
def breakable(tmp_path: Path, lasting: Lasting) -> Breakable:
    return Breakable(tmp_path, lasting)


async def call(host_or_thread: Any, server: str, tool: str, **arguments: object) -> str:
    async with host_or_thread.step() as step:
        return (await step.call(f"mcp__{server}__{tool}", arguments)).for_model()


def row(host: Host, server: str) -> Any:
    (row,) = [row for row in host.status() if row["name"] == server]
    return row


async def test_crash_loop_costs_its_budget_and_says_why_and_when(tmp_path: Path, breakable: Breakable) -> None:
    """H5"""
    source = servers(breakable=breakable.entry, demo={**DEMO, "cwd": "/"})
    async with mcpool.open(source, home=tmp_path / "home", grace=10.0) as host, host.thread() as thread:
        await thread.ready()
        await call(thread, "breakable", "write", number=0)
        before = await call(thread, "demo", "counter", add=1)
        breakable.breaks()
        breakable.lasting.kill()

        with pytest.raises(ServerUnavailable, match="my disk is full"):
            await call(thread, "breakable", "write", number=1)
        await until(lambda: row(host, "breakable")["state"] == "failed")

        spent = breakable.failures
        assert 1 <= spent <= BUDGET
        for _ in range(50):
            with pytest.raises(ServerUnavailable, match=r"my disk is full"):
                await call(thread, "breakable", "write", number=2)
        assert breakable.failures == spent, "calls start processes although the budget is spent"
        told = row(host, "breakable")
        assert told["next_retry"] > 0
        assert any("my disk is full" in str(value) for value in told.values())
        assert breakable.lasting.ran(1) + breakable.lasting.ran(2) == 0
        after = await call(thread, "demo", "counter", add=1)
        assert row(host, "demo")["restarts"] == 0
        assert before != after


async def test_server_that_was_mended_is_used_again_without_a_restart_of_the_daemon(
    mcpool: McpoolHome, breakable: Breakable
) -> None:
    """H5, through the daemon: a person says `reconnect`, or the circuit tries again by itself."""
    entry = {**breakable.entry, "restart_max": 1, "restart_window_sec": 3}
    mcpool.configure_servers(breakable=entry, demo={**DEMO, "cwd": "/"})
    mcpool.up().ready()
    async with by_shim(mcpool, "breakable", "legacy") as client, by_shim(mcpool, "demo", "legacy") as other:
        assert text(await client.call_tool("write", {"number": 0})) == "0"
        breakable.breaks()
        breakable.lasting.kill()
        with pytest.raises(Exception, match="my disk is full"):
            await client.call_tool("write", {"number": 1})
        text(await other.call_tool("clock", {}))
        breakable.is_mended()

        async def works_again() -> bool:
            try:
                return text(await client.call_tool("write", {"number": 2})) == "2"
            except MCPError:
                return False

        await until(works_again)
        assert (breakable.lasting.ran(1), breakable.lasting.ran(2)) == (0, 1)


async def test_reconnect_closes_the_circuit_at_once(mcpool: McpoolHome, breakable: Breakable) -> None:
    """H5"""
    mcpool.configure_servers(breakable=breakable.entry)
    mcpool.up().ready()
    async with by_shim(mcpool, "breakable", "legacy") as client:
        assert text(await client.call_tool("write", {"number": 0})) == "0"
        breakable.breaks()
        breakable.lasting.kill()
        with pytest.raises(Exception, match="my disk is full"):
            await client.call_tool("write", {"number": 1})
        breakable.is_mended()
        done = await asyncio.to_thread(mcpool.run, "reconnect", "breakable")
        assert done.returncode == 0, done.stderr
        assert text(await client.call_tool("write", {"number": 2})) == "2"
