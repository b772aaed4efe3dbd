"""The npm reference server asks, in the manner of 2025-11-25, clients of both eras that came in by every door (P7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import tomlkit
from mcp import MCPError
from mcp_types import CreateMessageResult, ElicitResult, TextContent

from support.known_servers import npm
from support.mcpool_home import McpoolHome
from support.ports import closed_port
from support.sdk_clients import DOORS, Door, text

MODERN = [door for door in DOORS if door.mode == "2026-07-28"]


@pytest.fixture
def everything(mcpool: McpoolHome) -> McpoolHome:
    servers = {"everything": {"command": npm("mcp-server-everything"), "cwd": str(mcpool.path)}}
    mcpool.configure(tomlkit.dumps({"daemon": {"port": closed_port()}, "mcp_servers": servers}))
    return mcpool


async def elicit(context: object, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada"})


async def sample(context: object, params: Any) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="m")


async def test_reference_server_asks_each_of_four_clients_at_once(everything: McpoolHome) -> None:
    """Once it is known to ask: of questions that come in the same moment before, the newest is declined."""
    everything.up().ready()

    async def one(door: Door, name: str) -> list[str]:
        async def answer(context: object, params: Any) -> ElicitResult:
            return ElicitResult(action="accept", content={"name": name})

        options: dict[str, Any] = {"elicitation_callback": answer, "sampling_callback": sample}
        async with door.client(everything, "everything", **options) as client:
            asked = text(await client.call_tool("trigger-elicitation-request", {}))
            sampled = text(await client.call_tool("trigger-sampling-request", {"prompt": "Capital?", "maxTokens": 5}))
        return [asked, sampled]

    await one(DOORS[0], "the first")
    names = [f"{door.way}-{door.mode}" for door in DOORS]
    answers = await asyncio.gather(*(one(door, name) for door, name in zip(DOORS, names, strict=True)))
    for name, (asked, sampled) in zip(names, answers, strict=True):
        assert f"Name: {name}" in asked
        assert not [other for other in names if other != name and other in asked]
        assert "Paris" in sampled


@pytest.mark.parametrize("door", MODERN, ids=lambda door: door.way)
async def test_daemon_that_is_killed_while_a_client_thinks_costs_that_call_and_no_other(
    everything: McpoolHome, door: Door
) -> None:
    """The state is signed by the home, and the next daemon knows that its call is over: it runs nothing."""
    everything.up().ready()

    async def answer(context: object, params: Any) -> ElicitResult:
        if not killed:
            killed.append(True)
            everything.kill()
            done = await asyncio.to_thread(everything.run, "up", "--detach")
            assert done.returncode == 0, done.stderr
        return await elicit(context, params)

    killed: list[bool] = []
    async with door.client(everything, "everything", elicitation_callback=answer) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("trigger-elicitation-request", {})
        assert caught.value.code == -32602
        assert caught.value.data["mcpool"]["reason"] == "over"
        assert "Ada" in text(await client.call_tool("trigger-elicitation-request", {}))
