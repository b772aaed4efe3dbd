"""The first step of a thread has the tools of usual servers, also where many threads start at once on a cold host."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.backend.first_sight import MOST
from support.real_servers import DEMO, OpenHost, servers

USUAL: dict[str, Any] = {
    "command": sys.executable,
    "args": [str(Path(__file__).parents[2] / "support" / "usual_server.py")],
}
THREADS = 20


async def first_call(thread: mcpool.Thread) -> int:
    """What a client does that does not wait for anything by itself."""
    async with thread.step() as step:
        return int((await step.call("mcp__usual__pid")).structured["result"])


async def first_calls(host: mcpool.Host, count: int) -> list[int]:
    async with asyncio.TaskGroup() as tasks:
        calling = [tasks.create_task(first_call(host.thread())) for _ in range(count)]
    return [task.result() for task in calling]


async def test_all_first_steps_of_twenty_threads_have_them_cold_and_warm(open_host: OpenHost) -> None:
    """Cold: nobody ever saw the server. Warm: its process runs. Then a new host, which starts with what is known."""
    source = servers(usual=USUAL)
    cold = await open_host(source, grace=1.0)
    pids = await first_calls(cold, THREADS)
    assert len(pids) == THREADS
    assert len({*pids, *await first_calls(cold, THREADS)}) == 1
    await cold.close()
    fresh = await open_host(source, grace=0.0)
    assert len({*await first_calls(fresh, THREADS)}) == 1


async def test_so_have_those_with_a_process_each(open_host: OpenHost) -> None:
    host = await open_host(servers(usual={**USUAL, "scope": "thread"}), grace=1.0)
    assert len({*await first_calls(host, 4)}) == 4


async def test_a_fresh_host_shows_the_tools_of_known_servers_without_starting_them(
    open_host: OpenHost, tmp_path: Path
) -> None:
    source = servers(demo=DEMO)
    first = await open_host(source)
    async with first.thread() as thread, thread.step() as step:
        specs = step.tools.openai()
    await first.close()
    second = await open_host(source, grace=0.0)
    async with second.thread() as thread, thread.step() as step:
        assert step.tools.openai() == specs
        assert [row["state"] for row in second.status()] == ["idle"]
        assert (await step.call("mcp__demo__counter", {"add": 1})).structured["value"] == 1
    (kept,) = (tmp_path / "home" / "catalogues").iterdir()
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell whether a process works")
async def test_a_server_that_only_waits_costs_a_first_step_no_more_than_the_grace(open_host: OpenHost) -> None:
    hangs = {"command": sys.executable, "args": ["-I", "-S", "-c", "import time; time.sleep(600)"]}
    host = await open_host(servers(hangs=hangs, demo=DEMO), grace=1.0)
    loop = asyncio.get_running_loop()
    async with host.thread() as thread:
        begun = loop.time()
        async with thread.step() as step:
            assert step.tools.pending == ("hangs",)
        assert loop.time() - begun < MOST
