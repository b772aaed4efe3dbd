"""Programs that use the running daemon's servers instead of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

import mcpool
from support.mcpool_home import McpoolHome

SERVERS = '[daemon]\nport = 0\n[clients.local]\ntools = "search"\n' + "".join(
    f"""
[mcp_servers.s{number}]
command = "{sys.executable}"
args = ["-m", "mcpool.demo"]
env = {{ N = "{number}" }}
"""
    for number in range(5)
)

PROGRAM = """
import asyncio, json, sys, mcpool

async def use(host, number):
    async with host.thread(cwd="/") as thread:
        await thread.ready()
        async with thread.step() as step:
            result = await step.call(f"mcp__s{number % 5}__counter", {"add": 1})
            return [f"s{number % 5}", result.structured["pid"]]

async def main():
    async with mcpool.open(attach=True, home=sys.argv[1]) as host:
        print(json.dumps(await asyncio.gather(*(use(host, number) for number in range(10)))))

asyncio.run(main())
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Generator[McpoolHome]:
    with closing(McpoolHome(tmp_path / "home", config=SERVERS)) as home:
        home.up().ready()
        yield home


def test_four_attached_processes_on_five_servers_are_five_processes(daemon: McpoolHome) -> None:
    command = [sys.executable, "-c", PROGRAM, str(daemon.path)]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") for _ in range(4)]
    found: set[tuple[str, int]] = set()
    for program in programs:
        output, _ = program.communicate(timeout=60)
        assert program.returncode == 0
        found |= {(name, pid) for name, pid in json.loads(output)}
    assert sorted(name for name, _ in found) == [f"s{number}" for number in range(5)]


async def test_an_attached_host_shares_with_the_daemons_other_clients(daemon: McpoolHome) -> None:
    async with (
        mcpool.open(attach=True, home=daemon.path) as first,
        mcpool.open(attach=True, home=daemon.path) as second,
    ):
        values: list[int] = []
        for host in (first, second):
            async with host.thread(cwd="/") as thread:
                await thread.ready()
                async with thread.step() as step:
                    values.append((await step.call("mcp__s0__counter", {"add": 1})).structured["value"])
    assert values == [1, 2]


async def test_an_attached_call_that_is_cancelled_leaves_the_line_usable(daemon: McpoolHome) -> None:
    async with mcpool.open(attach=True, home=daemon.path) as host, host.thread(cwd="/") as thread:
        await thread.ready()
        running = asyncio.Event()
        async with thread.step() as step:
            calling = asyncio.create_task(
                step.call(
                    "mcp__s0__slow",
                    {"seconds": 60, "steps": 100},
                    on_progress=lambda done, total, message: running.set(),
                )
            )
            await running.wait()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            assert (await step.call("mcp__s0__clock")).structured


async def test_an_attached_host_has_the_tools_that_clients_by_shim_have_to_search_for(daemon: McpoolHome) -> None:
    async with mcpool.open(attach=True, home=daemon.path) as host, host.thread(only=["s0"]) as thread:
        await thread.ready()
        async with thread.step() as step:
            names = list(step.tools)
    assert names == [f"mcp__s0__{name}" for name in ("clock", "counter", "search", "slow")]


async def test_an_attached_host_takes_no_servers_of_an_extension(daemon: McpoolHome) -> None:
    async with mcpool.open(attach=True, home=daemon.path) as host:
        with pytest.raises(ValueError, match="uses the servers of the daemon"):
            host.extend(mcpool.Extension("kit", {"mcpServers": {"one": {"command": "one"}}}))


async def test_without_a_daemon_attaching_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(mcpool.DaemonError, match="mcpool up"):
        async with mcpool.open(attach=True, home=tmp_path / "home"):
            pytest.fail("there is no daemon")


def test_attaching_with_servers_of_ones_own_is_refused() -> None:
    with pytest.raises(ValueError, match="attach"):
        mcpool.open({"mcpServers": {}}, attach=True)
