"""Endpoints that offer a search in place of all tools, or some servers only: by the query, or for a client by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, encode
from gatewaykit.http_client import TOKEN, HttpClient
from gatewaykit.serving import gateway_for, serving
from mcpool.config.client import ClientConfig
from mcpool.gateway.limits import Limits
from mcpool.gateway.stream_client import StreamClient

OURS = ["find_tools", "call_tool"]


async def _tell(call: FakeCall) -> bytes:
    return encode({"content": [{"type": "text", "text": f"{call.server} {json.dumps(call.params)}"}]})


@pytest.fixture
def host() -> FakeHost:
    servers = [FakeServer("git"), FakeServer("time")]
    servers[0].tools = {"git_log": _tell, "git_diff": _tell}
    servers[1].tools = {"convert_time": _tell}
    return FakeHost(*servers)


@asynccontextmanager
async def client_of(
    host: FakeHost, path: str, token: str = TOKEN, **clients: ClientConfig
) -> AsyncGenerator[HttpClient]:
    gateway = gateway_for(host, Limits(grace=0.2), clients=clients)
    async with serving(gateway) as port, HttpClient(port, path, token=token) as client:
        await client.initialize()
        yield client


async def listed(client: HttpClient) -> list[str]:
    return [tool["name"] for tool in (await client.result("tools/list"))["tools"]]


async def called(client: HttpClient, name: str, arguments: object) -> Any:
    return (await (await client.tool(name, arguments)).json())["result"]


def text(result: Any) -> str:
    return result["content"][0]["text"]


@pytest.mark.parametrize("path", ["/mcp?tools=search", "/mcp/git?tools=search"])
async def test_a_search_and_a_call_stand_for_all_tools(host: FakeHost, path: str):
    async with client_of(host, path) as client:
        assert await listed(client) == OURS
        (best, *_) = (await called(client, "find_tools", {"query": "log of git"}))["structuredContent"]["tools"]
        assert (best["name"].endswith("git_log"), best["inputSchema"]) == (True, {"type": "object"})
        result = await called(client, "call_tool", {"name": best["name"], "arguments": {"n": 1}})
        assert text(result) == 'git {"name": "git_log", "arguments": {"n": 1}}'


async def test_it_is_told_how_tools_are_found(host: FakeHost):
    async with serving(gateway_for(host)) as port, HttpClient(port, "/mcp?tools=search") as client:
        assert "find_tools" in (await client.initialize())["instructions"]


async def test_a_tool_that_is_known_can_still_be_called_by_its_name(host: FakeHost):
    async with client_of(host, "/mcp?tools=search") as client:
        assert text(await called(client, "time__convert_time", {})).startswith("time ")


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("find_tools", {}, "find_tools takes"),
        ("find_tools", {"query": 7}, "find_tools takes"),
        ("find_tools", {"query": "log", "limit": "many"}, "find_tools takes"),
        ("find_tools", {"query": "weather"}, "no tool matches"),
        ("find_tools", "log", "cannot be used"),
        ("call_tool", {}, "call_tool takes"),
        ("call_tool", {"name": "git__git_log", "arguments": 7}, "call_tool takes"),
        ("call_tool", {"name": "git__git_lag"}, "there is git__git_log"),
    ],
)
async def test_what_makes_no_sense_is_told_to_the_model(host: FakeHost, name: str, arguments: object, told: str):
    async with client_of(host, "/mcp?tools=search") as client:
        assert told in text(await called(client, name, arguments))
    assert host.calls == []


async def test_a_tool_that_comes_later_is_found(host: FakeHost):
    async with client_of(host, "/mcp?tools=search") as client:
        await called(client, "find_tools", {"query": "weather"})
        host.servers["time"].tools["weather_forecast"] = _tell
        result = await called(client, "find_tools", {"query": "weather"})
        assert [tool["name"] for tool in result["structuredContent"]["tools"]] == ["time__weather_forecast"]


async def test_some_servers_only(host: FakeHost):
    async with client_of(host, "/mcp?servers=time") as client:
        assert await listed(client) == ["time__convert_time"]


async def test_a_session_is_good_for_its_own_selection_only(host: FakeHost):
    async with serving(gateway_for(host)) as port:
        async with HttpClient(port, "/mcp?tools=search") as client:
            await client.initialize()
            session = client.session
        async with HttpClient(port, "/mcp") as other:
            other.session = session
            assert (await other.call("tools/list")).status == 404


async def test_a_query_for_what_there_is_not_is_refused(host: FakeHost):
    async with serving(gateway_for(host)) as port, HttpClient(port, "/mcp?tools=some") as client:
        answer = await client.call("initialize", {})
        assert answer.status == 400
        assert "`tools=some`" in (await answer.json())["error"]["message"]


async def test_a_modern_client_searches_and_calls_too(host: FakeHost):
    async with serving(gateway_for(host)) as port, HttpClient(port, "/mcp?tools=search") as client:
        tools = (await (await client.modern("tools/list")).json())["result"]["tools"]
        assert [tool["name"] for tool in tools] == OURS
        arguments: dict[str, Any] = {"name": "git__git_log", "arguments": {}}
        answer = await client.modern("tools/call", {"name": "call_tool", "arguments": arguments})
        assert text((await answer.json())["result"]) == 'git {"name": "git_log", "arguments": {}}'


async def test_a_client_on_a_stream_says_it_behind_the_name(host: FakeHost):
    """As `mcpool connect "git?tools=search"` has it."""
    said: asyncio.Queue[bytes] = asyncio.Queue()
    client = StreamClient(gateway_for(host), route="git?tools=search", cwd="/", principal="", write=said.put_nowait)
    hello: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
    answers: list[Any] = []
    for id, method, params in ((1, "initialize", hello), (2, "tools/list", {})):
        client.on_line(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode())
        answers.append(json.loads(await asyncio.wait_for(said.get(), 30)))
    await client.close()
    assert [tool["name"] for tool in answers[1]["result"]["tools"]] == OURS


async def test_a_client_by_name_has_the_servers_that_the_configuration_gives_it(host: FakeHost):
    async with client_of(host, "/mcp", default=ClientConfig(servers=("time",))) as client:
        assert await listed(client) == ["time__convert_time"]
    async with client_of(host, "/mcp", "other-" + TOKEN, default=ClientConfig(servers=("time",))) as client:
        assert len(await listed(client)) == 3


async def test_what_a_client_may_not_have_it_cannot_ask_for(host: FakeHost):
    async with client_of(host, "/mcp?servers=git,time", default=ClientConfig(servers=("time",))) as client:
        assert await listed(client) == ["time__convert_time"]


async def test_a_client_with_a_limit_searches_if_there_are_more_tools(host: FakeHost):
    async with client_of(host, "/mcp", default=ClientConfig(max_tools=2)) as client:
        assert await listed(client) == OURS
        assert text(await called(client, "call_tool", {"name": "time__convert_time"})).startswith("time ")
    async with client_of(host, "/mcp", default=ClientConfig(max_tools=3)) as client:
        assert len(await listed(client)) == 3


async def test_a_client_may_be_made_to_search(host: FakeHost):
    async with client_of(host, "/mcp", default=ClientConfig(search=True)) as client:
        assert await listed(client) == OURS
