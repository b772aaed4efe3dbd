"""The endpoint of all servers: names with prefixes, resources by URI, and servers that are slow or down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, Handler, encode
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving
from mcpool.gateway.limits import Limits


def _listing(key: str, *pages: list[dict[str, Any]]) -> Handler:
    """Answers a list request, page by page."""

    async def answer(call: FakeCall) -> bytes:
        number = int(call.params.get("cursor", "0"))
        result: dict[str, Any] = {key: pages[number]}
        if number + 1 < len(pages):
            result["nextCursor"] = str(number + 1)
        return encode(result)

    return answer


async def _tell(call: FakeCall) -> bytes:
    return encode({"server": call.server, "params": call.params})


def _server(name: str) -> FakeServer:
    server = FakeServer(name)
    server.capabilities = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}}
    server.handlers = {
        "prompts/list": _listing("prompts", [{"name": "hello", "vendor": 1}]),
        "prompts/get": _tell,
        "resources/list": _listing("resources", [{"uri": f"{name}:1", "name": "1"}], [{"uri": "both:1", "name": "b"}]),
        "resources/templates/list": _listing("resourceTemplates", [{"uriTemplate": name + "-t:{x}", "name": "t"}]),
        "resources/read": _tell,
        "completion/complete": _tell,
    }
    return server


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(_server("a"), _server("b"))


@pytest.fixture
async def port(host: FakeHost) -> AsyncIterator[int]:
    async with serving(gateway_for(host, Limits(grace=0.2))) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port, "/mcp") as client:
        await client.initialize()
        yield client


async def test_it_speaks_for_itself_and_sums_its_servers_up(port: int, host: FakeHost) -> None:
    host.servers["b"].instructions = None
    async with HttpClient(port, "/mcp") as client:
        result = await client.initialize()
    assert result["serverInfo"] == {"name": "mcpool", "title": "mcpool", "version": "1.2.3"}
    assert result["capabilities"] == {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}}
    assert "## a\nUse it well." in result["instructions"]
    assert "## b" in result["instructions"]


async def test_tools_of_all_servers_have_their_servers_name(client: HttpClient) -> None:
    tools = (await client.result("tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == ["a__echo", "b__echo"]
    assert tools[0]["inputSchema"] == {"type": "object"}


async def test_call_finds_its_server_even_before_anything_was_listed(client: HttpClient, host: FakeHost) -> None:
    answer = await (await client.tool("b__echo", {"x": 1})).json()
    assert "result" in answer
    assert (host.calls[0].server, host.calls[0].params) == ("b", {"name": "echo", "arguments": {"x": 1}})


async def test_names_that_collide_both_lead_home(client: HttpClient, host: FakeHost) -> None:
    host.servers["a"].tools["x.y"] = _tell
    host.servers["a"].tools["x_y"] = _tell
    names = [tool["name"] for tool in (await client.result("tools/list"))["tools"]]
    assert len(set(names)) == 4
    reached = set[str]()
    for name in names[:3]:
        await (await client.tool(name)).json()
        reached.add(host.calls[-1].params["name"])
    assert reached == {"echo", "x.y", "x_y"}


async def test_unknown_tool_is_an_error(client: HttpClient) -> None:
    for name in ("a__nope", "echo", "c__echo", ""):
        assert (await (await client.tool(name)).json())["error"]["code"] == -32602


async def test_prompts_are_found_by_their_prefixed_name(client: HttpClient) -> None:
    prompts = (await client.result("prompts/list"))["prompts"]
    assert prompts[0] == {"name": "a__hello", "vendor": 1}
    assert await client.result("prompts/get", {"name": "b__hello"}) == {"server": "b", "params": {"name": "hello"}}


async def test_resources_of_all_pages_are_listed_once(client: HttpClient) -> None:
    resources = (await client.result("resources/list"))["resources"]
    assert [resource["uri"] for resource in resources] == ["a:1", "both:1", "b:1"]
    templates = (await client.result("resources/templates/list"))["resourceTemplates"]
    assert [template["uriTemplate"] for template in templates] == ["a-t:{x}", "b-t:{x}"]


@pytest.mark.parametrize(("uri", "owner"), [("a:1", "a"), ("b:1", "b"), ("both:1", "a"), ("b-t:77", "b")])
async def test_resource_is_read_from_its_owner(client: HttpClient, uri: str, owner: str) -> None:
    assert (await client.result("resources/read", {"uri": uri}))["server"] == owner


async def test_resource_that_nobody_lists_is_asked_for_everywhere(client: HttpClient, host: FakeHost) -> None:
    from mcpool.errors import RpcError

    async def not_mine(call: FakeCall) -> bytes:
        raise RpcError(call.server, -32002, "Resource not found")

    host.servers["a"].handlers["resources/read"] = not_mine
    assert (await client.result("resources/read", {"uri": "hidden:1"}))["server"] == "b"
    host.servers["b"].handlers["resources/read"] = not_mine
    error = (await (await client.call("resources/read", {"uri": "hidden:1"})).json())["error"]
    assert (error["code"], error["data"]) == (-32002, {"uri": "hidden:1"})


async def test_resource_that_nobody_lists_is_found_beside_a_server_that_fails(
    client: HttpClient, host: FakeHost
) -> None:
    from mcpool.errors import ServerUnavailable

    async def gone(call: FakeCall) -> bytes:
        raise ServerUnavailable(call.server, "it ended")

    host.servers["a"].handlers["resources/read"] = gone
    assert (await client.result("resources/read", {"uri": "hidden:1"}))["server"] == "b"


async def test_completion_goes_to_the_owner_under_its_own_name(client: HttpClient) -> None:
    argument = {"name": "x", "value": "1"}
    prompt = {"ref": {"type": "ref/prompt", "name": "b__hello"}, "argument": argument}
    reached = await client.result("completion/complete", prompt)
    assert reached["server"] == "b"
    assert reached["params"]["ref"] == {"type": "ref/prompt", "name": "hello"}
    template = {"ref": {"type": "ref/resource", "uri": "b-t:{x}"}, "argument": argument}
    assert (await client.result("completion/complete", template))["server"] == "b"


async def test_subscriptions_and_log_levels_are_the_threads(client: HttpClient, host: FakeHost) -> None:
    await client.result("resources/subscribe", {"uri": "b:1"})
    await client.result("logging/setLevel", {"level": "error"})
    assert host.threads[0].subscriptions == {("b", "b:1")}
    assert host.threads[0].levels == {None: "error"}
    await client.result("resources/unsubscribe", {"uri": "b:1"})
    assert host.threads[0].subscriptions == set()


async def test_broken_server_is_left_out(client: HttpClient, host: FakeHost) -> None:
    host.servers["a"].broken = "gone"
    tools = (await client.result("tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == ["b__echo"]


async def test_slow_server_is_announced_when_it_is_there(client: HttpClient, host: FakeHost) -> None:
    host.servers["a"].up = asyncio.Event()
    tools = (await client.result("tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == ["b__echo"]
    events = (await client.request("GET")).events()
    host.servers["a"].up.set()
    async with asyncio.timeout(60):
        event = await anext(events)
    assert event.data["method"] == "notifications/tools/list_changed"
    assert len((await client.result("tools/list"))["tools"]) == 2


async def test_slow_server_is_not_waited_for_when_another_is_called(client: HttpClient, host: FakeHost) -> None:
    await client.result("tools/list")
    host.servers["a"].up = asyncio.Event()
    assert "result" in await (await client.tool("b__echo")).json()


async def test_everything_is_offered_while_a_server_is_not_known(port: int, host: FakeHost) -> None:
    host.servers["a"].up = asyncio.Event()
    async with HttpClient(port, "/mcp") as client:
        result = await client.initialize()
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert "Still starting" in result["instructions"]


async def test_changed_list_is_read_anew(client: HttpClient, host: FakeHost) -> None:
    await client.result("tools/list")
    host.servers["a"].tools["fresh"] = _tell
    host.threads[0].listener.on_notification("a", "notifications/tools/list_changed", None)
    assert "result" in await (await client.tool("a__fresh")).json()


async def test_request_that_only_one_server_could_have_is_not_found(client: HttpClient) -> None:
    error = (await (await client.call("vendor/thing")).json())["error"]
    assert error["code"] == -32601


async def test_modern_client_discovers_all_servers_as_one(port: int) -> None:
    async with HttpClient(port, "/mcp") as client:
        result = (await (await client.modern("server/discover")).json())["result"]
        tools = (await (await client.modern("tools/list")).json())["result"]["tools"]
        called = (await (await client.modern("tools/call", {"name": "b__echo"})).json())["result"]
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "mcpool"
    assert [tool["name"] for tool in tools] == ["a__echo", "b__echo"]
    assert called["resultType"] == "complete"


async def test_list_without_end_is_cut(client: HttpClient, host: FakeHost) -> None:
    async def endless(call: FakeCall) -> bytes:
        return encode({"resources": [], "nextCursor": "again"})

    host.servers["a"].handlers["resources/list"] = endless
    resources = (await client.result("resources/list"))["resources"]
    assert [resource["uri"] for resource in resources] == ["b:1", "both:1"]
