"""Streamable HTTP of 2026-07-28, message by message (P1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, encode
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving
from gatewaykit.waiting import until
from mcpool.errors import RpcError
from mcpool.gateway.limits import Limits

META = "io.modelcontextprotocol/"


async def _forever(call: FakeCall) -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


async def _needs_input(call: FakeCall) -> bytes:
    assert not call.answer_input
    return encode({"resultType": "input_required", "requestState": "s", "inputRequests": {}})


@pytest.fixture
def host() -> FakeHost:
    one = FakeServer("one")
    one.tools |= {"forever": _forever, "asks": _needs_input}
    one.capabilities["resources"] = {"subscribe": True}
    return FakeHost(one, FakeServer("new", modern=True))


@pytest.fixture
async def port(host: FakeHost) -> AsyncIterator[int]:
    async with serving(gateway_for(host)) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port) as client:
        yield client


async def test_call_is_answered_as_json_with_its_type(client: HttpClient) -> None:
    response = await client.modern("tools/call", {"name": "echo", "arguments": {"a": 1}}, id="q")
    assert response.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in response.headers
    assert await response.json() == {
        "jsonrpc": "2.0",
        "id": "q",
        "result": {"resultType": "complete", "content": [{"type": "text", "text": '{"a": 1}'}]},
    }


async def test_list_says_how_long_it_may_be_kept(client: HttpClient) -> None:
    result = (await (await client.modern("tools/list")).json())["result"]
    assert (result["resultType"], result["ttlMs"], result["cacheScope"]) == ("complete", 0, "private")


async def test_discover_tells_a_handshake_server_as_a_modern_one(client: HttpClient) -> None:
    result = (await (await client.modern("server/discover")).json())["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["_meta"][META + "serverInfo"] == {"name": "one", "version": "7", "vendorField": "kept"}
    assert result["_vendor"] == [1]
    assert "protocolVersion" not in result
    assert "serverInfo" not in result


async def test_input_required_comes_through_as_it_is(client: HttpClient) -> None:
    result = (await (await client.modern("tools/call", {"name": "asks"})).json())["result"]
    assert result == {"resultType": "input_required", "requestState": "s", "inputRequests": {}}


@pytest.mark.parametrize(
    "headers",
    [
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": None},
        {"Mcp-Name": "other"},
        {"Mcp-Name": None},
        {"Mcp-Name": "=?base64?!!?="},
        {"MCP-Protocol-Version": None},
        {"MCP-Protocol-Version": "2027-01-01"},
    ],
)
async def test_header_that_says_something_else_is_a_mismatch(
    client: HttpClient, host: FakeHost, headers: dict[str, str | None]
) -> None:
    response = await client.modern("tools/call", {"name": "echo"}, headers=headers)
    assert response.status == 400
    assert (await response.json())["error"]["code"] == -32020
    assert host.calls == []


async def test_name_in_base64_is_the_same_name(client: HttpClient) -> None:
    response = await client.modern("tools/call", {"name": "echo"}, headers={"Mcp-Name": "=?base64?ZWNobw==?="})
    assert response.status == 200


async def test_routing_header_twice_is_refused(client: HttpClient) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()
    headers = {"Mcp-Method": "tools/list", "mcp-method": "tools/call", "MCP-Protocol-Version": "2026-07-28"}
    response = await client.request("POST", body, headers)
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32020)


async def test_revision_nobody_knows_is_told_which_ones_are_served(client: HttpClient) -> None:
    response = await client.modern(
        "tools/list", meta={META + "protocolVersion": "2030-01-01"}, headers={"MCP-Protocol-Version": "2030-01-01"}
    )
    error = (await response.json())["error"]
    assert response.status == 400
    assert error["code"] == -32022
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "2030-01-01"}


async def test_request_without_context_is_refused(client: HttpClient) -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
    response = await client.post(message, headers)
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize("method", ["nope/nothing", "ping", "initialize", "logging/setLevel", "resources/subscribe"])
async def test_method_that_the_revision_lacks_is_not_found(client: HttpClient, method: str) -> None:
    response = await client.modern(method)
    assert (response.status, (await response.json())["error"]["code"]) == (404, -32601)


async def test_error_has_its_status_though_the_client_names_streams_first(client: HttpClient) -> None:
    response = await client.modern("nope/nothing", headers={"Accept": "text/event-stream, application/json"})
    assert (response.status, (await response.json())["error"]["code"]) == (404, -32601)


async def test_notification_is_accepted_and_means_nothing(client: HttpClient) -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert (await client.post(message, {"MCP-Protocol-Version": "2026-07-28"})).status == 202


async def test_response_has_no_place(client: HttpClient) -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert (await client.post(message, {"MCP-Protocol-Version": "2026-07-28"})).status == 400


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_nothing_but_post(client: HttpClient, method: str) -> None:
    response = await client.request(method, headers={"MCP-Protocol-Version": "2026-07-28"})
    assert (response.status, response.headers["allow"]) == (405, "POST")


async def test_closing_the_connection_cancels_the_call_and_no_other(client: HttpClient, host: FakeHost) -> None:
    async def one(call: FakeCall) -> bytes:
        call.report(0)
        return await _forever(call)

    host.servers["one"].tools["one"] = one
    meta = {"progressToken": "same"}
    first = await client.modern("tools/call", {"name": "one"}, id=1, meta=meta)
    second = await client.modern("tools/call", {"name": "one"}, id=1, meta=meta)
    await first.close()
    await until(lambda: host.calls[0].cancelled)
    assert not host.calls[1].cancelled
    await second.close()


async def test_silent_call_is_kept_alive_as_a_stream() -> None:
    host = FakeHost(FakeServer("one"))
    go = asyncio.Event()

    async def held(call: FakeCall) -> bytes:
        await go.wait()
        return encode({"content": []})

    host.servers["one"].tools["held"] = held
    limits = Limits(watch_after=0.01, stream_after=0.02, keep_alive=0.02)
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as client:
        response = await client.modern("tools/call", {"name": "held"})
        assert response.is_stream
        reading = asyncio.create_task(response.messages())
        await until(lambda: response.comments >= 2)
        go.set()
        assert (await reading)[0]["result"]["resultType"] == "complete"


async def test_error_of_the_server_decides_the_status(client: HttpClient, host: FakeHost) -> None:
    async def lacking(call: FakeCall) -> bytes:
        raise RpcError("one", -32021, "needs elicitation")

    host.servers["one"].tools["lacking"] = lacking
    response = await client.modern("tools/call", {"name": "lacking"})
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32021)


async def test_capabilities_and_log_level_are_the_threads(client: HttpClient, host: FakeHost) -> None:
    meta: dict[str, object] = {META + "clientCapabilities": {"sampling": {}}, META + "logLevel": "debug"}
    await (await client.modern("tools/call", {"name": "echo"}, meta=meta)).json()
    await (await client.modern("tools/call", {"name": "echo"}, meta=meta)).json()
    await (await client.modern("tools/call", {"name": "echo"})).json()
    assert [call.thread.client.sampling for call in host.calls] == [True, True, False]
    assert host.calls[0].thread is host.calls[1].thread
    assert host.calls[0].thread.levels == {None: "debug"}


async def test_question_that_no_request_caused_is_declined_with_a_reason(client: HttpClient, host: FakeHost) -> None:
    from mcpool.backend.holder import Question

    meta: dict[str, object] = {META + "clientCapabilities": {"elicitation": {}}}
    await (await client.modern("tools/call", {"name": "echo"}, meta=meta)).json()
    for thread in host.threads:
        with pytest.raises(RpcError, match="only while a request"):
            await thread.listener.on_question(Question("one", "elicitation/create", b"{}"))


async def test_listen_acknowledges_first_and_passes_on_what_was_asked_for(client: HttpClient, host: FakeHost) -> None:
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["a:1"]}
    response = await client.modern("subscriptions/listen", {"notifications": wanted}, id="sub")
    events = response.events()
    async with asyncio.timeout(60):
        first = (await anext(events)).data
        assert first["method"] == "notifications/subscriptions/acknowledged"
        assert first["params"] == {"notifications": wanted, "_meta": {META + "subscriptionId": "sub"}}
        thread = host.threads[0]
        assert thread.subscriptions == {("one", "a:1")}
        thread.listener.on_notification("one", "notifications/prompts/list_changed", None)
        thread.listener.on_notification("one", "notifications/resources/updated", b'{"uri":"b:2"}')
        thread.listener.on_notification("new", "notifications/tools/list_changed", None)
        thread.listener.on_notification("one", "notifications/resources/updated", b'{"uri":"a:1"}')
        updated = (await anext(events)).data
        assert updated["params"] == {"uri": "a:1", "_meta": {META + "subscriptionId": "sub"}}
        thread.listener.on_notification("one", "notifications/tools/list_changed", None)
        assert (await anext(events)).data["method"] == "notifications/tools/list_changed"
    await response.close()
    await until(lambda: not thread.subscriptions)


async def test_listen_leaves_out_what_cannot_be_subscribed(port: int) -> None:
    async with HttpClient(port, "/mcp/new") as client:
        response = await client.modern("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["a:1"]}})
        first = (await anext(response.events())).data
    assert first["params"]["notifications"] == {}


async def test_listen_ends_with_a_result_when_the_gateway_closes() -> None:
    host = FakeHost(FakeServer("one"))
    gateway = gateway_for(host)
    async with serving(gateway) as port, HttpClient(port) as client:
        response = await client.modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, id=3)
        events = response.events()
        await anext(events)
        await gateway.close()
        last = (await anext(events)).data
    assert last["result"] == {"resultType": "complete", "_meta": {META + "subscriptionId": 3}}


async def test_modern_server_keeps_its_own_stamps(port: int, host: FakeHost) -> None:
    async def stamped(call: FakeCall) -> bytes:
        return encode({"contents": [], "resultType": "complete", "ttlMs": 500, "cacheScope": "public"})

    host.servers["new"].handlers["resources/read"] = stamped
    async with HttpClient(port, "/mcp/new") as client:
        result = (await (await client.modern("resources/read", {"uri": "x:1"})).json())["result"]
    assert result == {"contents": [], "resultType": "complete", "ttlMs": 500, "cacheScope": "public"}


@pytest.mark.parametrize("path", ["/mcp/one", "/mcp"])
async def test_header_that_repeats_an_argument_must_say_the_same(port: int, host: FakeHost, path: str) -> None:
    one = host.servers["one"]
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    one.definitions["echo"] = {"inputSchema": schema}
    name = "echo" if path == "/mcp/one" else "one__echo"
    async with HttpClient(port, path) as client:
        call = {"name": name, "arguments": {"region": "eu"}}
        bad = await client.modern("tools/call", call, headers={"Mcp-Param-Region": "us"})
        assert (bad.status, (await bad.json())["error"]["code"]) == (400, -32020)
        assert host.calls == []
        good = await client.modern("tools/call", call, headers={"Mcp-Param-Region": "eu"})
        assert good.status == 200


async def test_argument_that_is_named_twice_is_refused_where_a_header_repeats_it(port: int, host: FakeHost) -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    host.servers["one"].definitions["echo"] = {"inputSchema": schema}
    async with HttpClient(port) as client:
        head = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo"}
        context: dict[str, object] = {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {}}
        call = {"name": "echo", "arguments": {"region": "us"}, "_meta": context}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        twice = json.dumps(message).replace('"region": "us"', '"region": "us", "region": "eu"').encode()
        answer = await client.request("POST", twice, {**head, "Mcp-Param-Region": "eu"})
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, -32602)
    assert host.calls == []


async def test_headers_of_one_era_with_a_body_of_the_other_are_a_mismatch(client: HttpClient) -> None:
    response = await client.modern("tools/list", headers={"MCP-Protocol-Version": "2025-11-25"})
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32020)


async def test_session_id_means_nothing_here(client: HttpClient) -> None:
    response = await client.modern("tools/list", headers={"Mcp-Session-Id": "whatever"})
    assert response.status == 200


async def test_log_lines_come_to_those_who_ask_for_them(client: HttpClient, host: FakeHost) -> None:
    async def chatty(call: FakeCall) -> bytes:
        call.log("hello")
        return encode({"content": []})

    host.servers["one"].tools["chatty"] = chatty
    silent = await client.modern("tools/call", {"name": "chatty"})
    assert not silent.is_stream
    asked = await client.modern("tools/call", {"name": "chatty"}, meta={META + "logLevel": "info"})
    assert [message.get("method") for message in await asked.messages()] == ["notifications/message", None]


async def test_blanks_around_a_header_are_not_part_of_it(client: HttpClient) -> None:
    headers = {"Mcp-Name": "  echo \t", "Mcp-Method": "tools/call  ", "MCP-Protocol-Version": "2026-07-28 "}
    assert (await client.modern("tools/call", {"name": "echo"}, headers=dict(headers))).status == 200


async def test_missing_resource_has_the_revisions_own_code(client: HttpClient, host: FakeHost) -> None:
    async def missing(call: FakeCall) -> bytes:
        raise RpcError("one", -32002, "Resource not found", b'{"uri":"x:1"}')

    host.servers["one"].handlers["resources/read"] = missing
    error = (await (await client.modern("resources/read", {"uri": "x:1"})).json())["error"]
    assert error == {"code": -32602, "message": "Resource not found", "data": {"uri": "x:1"}}
