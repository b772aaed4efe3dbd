"""The adapter for FastMCP's client, with the real client: it is a client of the gateway, without the network."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.exceptions import ToolError

import mcpool
from mcpool.adapters.fastmcp import McpoolTransport
from mcpool.testing import Ask, Crash, FakeServer, Hang

RUNS = 20


async def test_twenty_clients_are_one_process(host: mcpool.Host, server: FakeServer):
    transport = McpoolTransport(host)

    async def use(number: int) -> Any:
        async with Client(transport) as client:
            assert [tool.name for tool in await client.list_tools()] == ["fake__echo"]
            return (await client.call_tool("fake__echo", {"n": number})).structured_content

    assert await asyncio.gather(*(use(number) for number in range(RUNS))) == [{"n": number} for number in range(RUNS)]
    assert server.starts == 1
    gc.collect()
    assert len(host.threads) == 0


async def test_one_server_is_offered_as_it_is(host: mcpool.Host):
    async with Client(McpoolTransport(host, "fake")) as client:
        assert [tool.name for tool in await client.list_tools()] == ["echo"]
        assert (await client.call_tool("echo", {"n": 1})).structured_content == {"n": 1}


async def test_a_server_that_is_killed_answers_the_next_call(host: mcpool.Host, server: FakeServer):
    async with Client(McpoolTransport(host, "fake")) as client:
        await client.call_tool("echo", {"n": 1})
        await asyncio.to_thread(server.kill)
        assert (await client.call_tool("echo", {"n": 2})).structured_content == {"n": 2}
    assert server.starts == 2


async def test_a_reload_is_seen_by_the_next_call(host: mcpool.Host, server: FakeServer):
    async with Client(McpoolTransport(host, "fake")) as client:
        await client.call_tool("echo", {"n": 1})
        host.reload()
        await host.settled()
        await client.call_tool("echo", {"n": 2})
    assert len({call.pid for call in server.calls()}) == 2


async def test_a_call_that_may_have_run_fails_and_says_so(host: mcpool.Host, server: FakeServer):
    server.will("echo", Crash())
    async with Client(McpoolTransport(host, "fake")) as client:
        with pytest.raises(Exception, match="may or may not have run"):
            await client.call_tool("echo", {"n": 1})
    assert len(server.calls()) == 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_question_reaches_the_client_whose_call_caused_it(host: mcpool.Host, server: FakeServer, mode: Any):
    async def answer(message: str, kind: Any, params: Any, context: Any) -> Any:
        return ElicitResult(action="accept" if message == "Really?" else "decline", content={"sure": True})

    server.will("echo", Ask("Really?"))
    async with Client(McpoolTransport(host, "fake"), elicitation_handler=answer, mode=mode) as client:
        assert (await client.call_tool("echo", {"n": 1})).structured_content == {"n": 1}


async def test_a_client_that_cannot_be_asked_is_not(host: mcpool.Host, server: FakeServer):
    server.will("echo", Ask("Really?"))
    async with Client(McpoolTransport(host, "fake")) as client:
        with pytest.raises(ToolError, match="did not accept"):
            await client.call_tool("echo", {"n": 1})


async def test_a_call_that_is_cancelled_is_cancelled_at_the_server(host: mcpool.Host, server: FakeServer):
    server.will("echo", Hang())
    async with Client(McpoolTransport(host, "fake")) as client:
        calling = asyncio.ensure_future(client.call_tool("echo", {"n": 1}))
        await server.arrival("tools/call")
        calling.cancel()
        await server.arrival("notifications/cancelled")
        await asyncio.wait([calling])


async def test_a_server_that_is_not_there_is_named(host: mcpool.Host):
    with pytest.raises(Exception, match="no enabled server has this name; there are: fake"):
        async with Client(McpoolTransport(host, "other")):
            pass


async def test_the_example_does_what_it_says(mcpool_home: Path):
    program = Path(__file__).parents[3] / "docs" / "examples" / "fastmcp_run.py"
    running = await asyncio.create_subprocess_exec(sys.executable, program, env=os.environ, stdout=subprocess.PIPE)
    assert ((await running.communicate())[0], running.returncode) == (b"20 clients, 1 process\n", 0)
