"""A server that ends while it works on a call: nothing runs twice that may not, and nobody waits for a dead server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from mcp import MCPError

import mcpool
from gatewaykit.waiting import until
from mcpool.errors import CallOutcomeUnknown
from mcpool.threads.thread import Thread
from support.lasting import Lasting
from support.mcpool_home import McpoolHome
from support.real_servers import servers
from support.sdk_clients import DOORS, Door, text

PATIENCE = 10.0
"""Seconds after which a caller was kept waiting for a dead server: the time-outs of these calls are minutes."""


@pytest.fixture
async def thread(tmp_path: Path, lasting: Lasting, web: Lasting) -> AsyncGenerator[Thread]:
    web.serve()
    source = servers(lasting=lasting.entry, web=web.http_entry)
    async with mcpool.open(source, home=tmp_path / "home", grace=10.0) as host, host.thread() as thread:
        await thread.ready()
        yield thread


async def call(thread: Thread, server: str, tool: str, **arguments: object) -> str:
    async with thread.step() as step:
        return (await step.call(f"mcp__{server}__{tool}", arguments)).for_model()


def begun(thread: Thread, server: str, tool: str, number: int) -> asyncio.Task[str]:
    """A call that the first process never answers."""
    return asyncio.create_task(call(thread, server, tool, number=number, stays=True))


class TestOnStdio:
    async def test_write_runs_once_and_its_caller_hears_so_at_once(self, thread: Thread, lasting: Lasting) -> None:
        """H8"""
        writing = begun(thread, "lasting", "write", 1)
        await until(lambda: lasting.ran(1) == 1)
        lasting.kill()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(CallOutcomeUnknown, match=r"`lasting`: .*SIGKILL"):
                await writing
        assert await call(thread, "lasting", "write", number=2) == "2"
        assert (lasting.ran(1), lasting.ran(2), lasting.starts) == (1, 1, 2)

    @pytest.mark.parametrize("tool", ["read", "put"])
    async def test_call_that_may_run_twice_is_answered(self, thread: Thread, lasting: Lasting, tool: str) -> None:
        """H8"""
        reading = begun(thread, "lasting", tool, 1)
        await until(lambda: lasting.ran(1) == 1)
        lasting.kill()
        assert await reading == "1"
        assert (lasting.ran(1), lasting.starts) == (2, 2)

    async def test_server_that_exits_after_it_wrote_is_not_asked_to_write_again(
        self, thread: Thread, lasting: Lasting
    ) -> None:
        """H8"""
        with pytest.raises(CallOutcomeUnknown, match="exited with status 7"):
            await call(thread, "lasting", "write", number=1, dies=True)
        assert lasting.ran(1) == 1
        assert await call(thread, "lasting", "write", number=2) == "2"

    async def test_each_of_many_callers_hears_the_truth_about_its_own_call(
        self, thread: Thread, lasting: Lasting
    ) -> None:
        """H8, with 64 callers: half of them write."""
        tools = ["write" if number % 2 else "read" for number in range(64)]
        calls = [begun(thread, "lasting", tool, number) for number, tool in enumerate(tools)]
        await until(lambda: lasting.count("tools/call") >= 1)
        lasting.kill()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        for number, (tool, outcome) in enumerate(zip(tools, outcomes, strict=True)):
            if isinstance(outcome, CallOutcomeUnknown):
                assert tool == "write"
                assert lasting.ran(number) <= 1
            else:
                assert outcome == str(number)
        assert all(lasting.ran(number) <= 1 for number, tool in enumerate(tools) if tool == "write")
        assert lasting.starts == 2


class TestOverHttp:
    async def test_write_runs_once_and_its_caller_hears_so_at_once(self, thread: Thread, web: Lasting) -> None:
        """H8"""
        writing = begun(thread, "web", "write", 1)
        await until(lambda: web.ran(1) == 1)
        web.restart()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(CallOutcomeUnknown, match="`web`: "):
                await writing
        assert await call(thread, "web", "write", number=2) == "2"
        assert (web.ran(1), web.ran(2)) == (1, 1)

    async def test_read_is_answered_by_the_next_one(self, thread: Thread, web: Lasting) -> None:
        """H8"""
        reading = begun(thread, "web", "read", 1)
        await until(lambda: web.ran(1) == 1)
        web.restart()
        assert await reading == "1"
        assert web.ran(1) == 2


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.way}-{door.mode}")
async def test_clients_of_the_daemon_hear_the_truth_as_well(mcpool: McpoolHome, lasting: Lasting, door: Door) -> None:
    """H8 through every door."""
    mcpool.configure_servers(lasting=lasting.entry)
    mcpool.up().ready()
    async with door.client(mcpool, "lasting") as client:
        await client.list_tools()
        writing = asyncio.create_task(client.call_tool("write", {"number": 1, "stays": True}))
        reading = asyncio.create_task(client.call_tool("read", {"number": 2, "stays": True}))
        await until(lambda: lasting.ran(1) + lasting.ran(2) >= 1)
        lasting.kill()
        async with asyncio.timeout(PATIENCE):
            outcome = (await asyncio.gather(writing, return_exceptions=True))[0]
        if lasting.ran(1) == 1 and isinstance(outcome, BaseException):
            assert isinstance(outcome, MCPError)
            assert "may or may not have run" in str(outcome)
        assert text(await reading) == "2"
        assert lasting.ran(1) == 1
        assert text(await client.call_tool("write", {"number": 3})) == "3"
