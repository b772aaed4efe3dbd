"""`mcpool connect` under the official SDK's client, in both eras."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Literal

import pytest
from mcp import Client, StdioServerParameters

from support.mcpool_home import McpoolHome

Mode = Literal["auto", "legacy", "2026-07-28"]


@pytest.fixture(params=["auto", "legacy", "2026-07-28"])
def mode(request: pytest.FixtureRequest) -> Mode:
    return request.param


def client(mcpool: McpoolHome, mode: Mode, server: str = "demo") -> Client:
    command = ["-m", "mcpool", "connect", server]
    parameters = StdioServerParameters(
        command=sys.executable, args=command, env={"MCPOOL_HOME": str(mcpool.path)}, cwd=mcpool.path
    )
    return Client(parameters, mode=mode)


def content(result: Any) -> dict[str, Any]:
    return result.structured_content


async def test_tools_are_listed_and_called(mcpool: McpoolHome, mode: Mode) -> None:
    async with client(mcpool, mode) as one:
        assert {tool.name for tool in (await one.list_tools()).tools} == {"clock", "counter", "search", "slow"}
        assert content(await one.call_tool("counter", {"add": 2}))["value"] == 2


async def test_clients_of_every_era_share_one_process(mcpool: McpoolHome) -> None:
    """P1: one process per server, whatever its clients speak."""
    pids: set[int] = set()
    for mode in ("auto", "legacy", "2026-07-28"):
        async with client(mcpool, mode) as one:
            pids.add(content(await one.call_tool("counter", {}))["pid"])
    assert len(pids) == 1


async def test_equal_ids_of_many_clients_at_once_do_not_mix(mcpool: McpoolHome, mode: Mode) -> None:
    async def use(zone: str) -> None:
        async with client(mcpool, mode) as one:
            for _ in range(5):
                found = await one.call_tool("clock", {"zone": zone})
                assert zone in str(found.content)

    async with asyncio.TaskGroup() as tasks:
        for zone in ("Europe/Paris", "Asia/Tokyo", "America/New_York", "Africa/Cairo"):
            tasks.create_task(use(zone))


async def test_after_the_daemon_was_killed_the_same_client_goes_on(mcpool: McpoolHome, mode: Mode) -> None:
    """Invariant 11: clients do not notice that the daemon was replaced."""
    async with client(mcpool, mode) as one:
        await one.call_tool("clock", {})
        await asyncio.to_thread(mcpool.kill)
        assert not (await one.call_tool("clock", {})).is_error


@pytest.mark.parametrize("name", ["demo?tools=search", "?servers=demo&tools=search"])
async def test_a_shim_that_offers_a_search_finds_and_calls(mcpool: McpoolHome, mode: Mode, name: str) -> None:
    async with client(mcpool, mode, name) as one:
        assert [tool.name for tool in (await one.list_tools()).tools] == ["find_tools", "call_tool"]
        best = content(await one.call_tool("find_tools", {"query": "count"}))["tools"][0]["name"]
        result = await one.call_tool("call_tool", {"name": best, "arguments": {"add": 3}})
        assert content(result)["value"] == 3


async def test_a_shim_that_asks_for_what_there_is_not_says_so(mcpool: McpoolHome) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with client(mcpool, "legacy", "demo?tools=some"):
            pass
    assert "tools=some" in repr(raised.value)
