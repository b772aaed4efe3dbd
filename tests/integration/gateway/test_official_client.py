"""The official SDK's client, in every mode, on real servers behind the real host (P1, P2)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mcpool
from gatewaykit import raw_server
from gatewaykit.http_client import HttpClient
from gatewaykit.sdk_client import Mode, over_http
from gatewaykit.serving import gateway_for, serving
from gatewaykit.waiting import until

if TYPE_CHECKING:
    from mcp import Client

MODES: tuple[Mode, ...] = ("legacy", "auto", "2026-07-28")
NPM = Path(__file__).parents[3] / "node_modules" / "@modelcontextprotocol"


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    servers = {
        "raw": {"command": sys.executable, "args": ["-I", "-S", raw_server.__file__], "cwd": "/"},
        "time": {"command": sys.executable, "args": ["-m", "mcp_server_time"], "cwd": "/"},
    }
    async with mcpool.open({"mcpServers": servers}, home=tmp_path / "home") as host, serving(gateway_for(host)) as port:
        yield port


def _text(result: Any) -> Any:
    return json.loads(result.content[0].text)


@pytest.mark.parametrize("mode", MODES)
async def test_tools_of_a_handshake_server(port: int, mode: Mode) -> None:
    async with over_http(port, "/mcp/raw", mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["echo", "pid", "progress", "elicit", "wait", "cancelled", "hold", "release"]
        assert _text(await client.call_tool("echo", {"a": 1})) == {"a": 1}


@pytest.mark.parametrize("mode", MODES)
async def test_tools_of_a_modern_server(port: int, mode: Mode) -> None:
    async with over_http(port, "/mcp/time", mode) as client:
        result = await client.call_tool("get_current_time", {"timezone": "UTC"})
        assert not result.is_error


@pytest.mark.parametrize("mode", MODES)
async def test_tools_of_all_servers(port: int, mode: Mode) -> None:
    async with over_http(port, "/mcp", mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"raw__echo", "time__get_current_time"} <= names
        assert _text(await client.call_tool("raw__echo", {"b": 2})) == {"b": 2}


@pytest.mark.parametrize("mode", MODES)
async def test_progress(port: int, mode: Mode) -> None:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with over_http(port, "/mcp/raw", mode) as client:
        await client.call_tool("progress", {}, progress_callback=note)
    assert seen
    assert seen[-1] == 2


async def test_elicitation_of_the_only_caller(port: int) -> None:
    from mcp_types import ElicitResult

    async def answer(context: object, params: object) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with over_http(port, "/mcp/raw", "legacy", elicitation_callback=answer) as client:
        result = await client.call_tool("elicit", {})
    assert _text(result) == {"action": "accept", "content": {"name": "Ada"}}


async def _cancelled(client: Client, number: int) -> bool:
    return _text(await client.call_tool("cancelled", {})) == number


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_giving_up_on_a_call_tells_the_server(port: int, mode: Mode) -> None:
    async with over_http(port, "/mcp/raw", mode) as client, over_http(port, "/mcp/raw", mode) as other:
        waiting = asyncio.create_task(client.call_tool("wait", {}))
        kept = asyncio.create_task(other.call_tool("wait", {}))
        await other.call_tool("echo", {})
        waiting.cancel()
        await until(lambda: _cancelled(other, 1))
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert _text(await other.call_tool("cancelled", {})) == 1
        assert not kept.done()
        kept.cancel()
        await asyncio.wait([kept])
        # The client must not leave while the answer to its cancelled request is on its way: it cannot bear that.
        await until(lambda: _cancelled(other, 2))
        await other.call_tool("echo", {})


async def test_hundred_clients_share_a_process_and_no_answer_goes_astray(port: int) -> None:
    """10,000 calls with equal ids and equal progress tokens: each answer, and all progress, reaches its own client."""
    wrong: list[object] = []

    async def client(number: int) -> int:
        async with HttpClient(port, "/mcp/raw") as it:
            await it.initialize()
            pid = json.loads((await it.result("tools/call", {"name": "pid"}))["content"][0]["text"])
            for turn in range(100):
                mine = {"client": number, "turn": turn}
                name = "progress" if turn % 10 == 0 else "echo"
                params = {"name": name, "arguments": mine, "_meta": {"progressToken": "same"}}
                response = await it.call("tools/call", params, id=turn)
                messages = await response.messages() if response.is_stream else [await response.json()]
                if json.loads(messages[-1]["result"]["content"][0]["text"]) != mine or messages[-1]["id"] != turn:
                    wrong.append(messages)
                if any(json.loads(message["params"]["message"]) != mine for message in messages[:-1]):
                    wrong.append(messages)
            return pid

    pids = await asyncio.gather(*(client(number) for number in range(100)))
    assert wrong == []
    assert len(set(pids)) == 1


@pytest.mark.skipif(not (NPM / "server-everything").exists(), reason="npm's server-everything is not installed")
@pytest.mark.parametrize("mode", MODES)
async def test_reference_server(tmp_path: Path, mode: Mode) -> None:
    script = NPM / "server-everything" / "dist" / "index.js"
    servers = {"all": {"command": "node", "args": [str(script)], "cwd": str(tmp_path)}}
    async with (
        mcpool.open({"mcpServers": servers}, home=tmp_path / "home") as host,
        serving(gateway_for(host)) as port,
        over_http(port, "/mcp/all", mode) as client,
    ):
        assert (await client.call_tool("echo", {"message": "hi"})).content
        resources = (await client.list_resources()).resources
        assert (await client.read_resource(str(resources[0].uri))).contents
        prompts = (await client.list_prompts()).prompts
        assert (await client.get_prompt(prompts[0].name)).messages
