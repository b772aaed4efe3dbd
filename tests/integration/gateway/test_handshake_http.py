"""Streamable HTTP of the handshake revisions, message by message (P1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, encode
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving


class Held:
    """A tool whose calls wait until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, call: FakeCall) -> bytes:
        await self.go.wait()
        return encode({"content": [], "done": True})


async def _progress(call: FakeCall) -> bytes:
    call.report(1)
    call.log("half way")
    await asyncio.sleep(0)
    call.report(2)
    return encode({"content": []})


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def host(held: Held) -> FakeHost:
    one = FakeServer("one")
    one.tools |= {"held": held, "progress": _progress}
    return FakeHost(one)


@pytest.fixture
async def port(host: FakeHost) -> AsyncIterator[int]:
    async with serving(gateway_for(host)) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port) as client:
        await client.initialize()
        yield client


async def test_initialize_gives_what_the_server_said_with_the_clients_revision(port: int) -> None:
    async with HttpClient(port) as client:
        result = await client.initialize("2025-03-26")
    assert result == {
        "protocolVersion": "2025-03-26",
        "capabilities": {"tools": {"listChanged": True}, "logging": {}, "vendor": {"kept": True}},
        "serverInfo": {"name": "one", "version": "7", "vendorField": "kept"},
        "instructions": "Use it well.",
        "_vendor": [1],
    }


async def test_unknown_revision_is_countered_with_the_newest(port: int) -> None:
    async with HttpClient(port) as client:
        assert (await client.initialize("1999-01-01"))["protocolVersion"] == "2025-11-25"


async def test_result_that_comes_first_is_answered_as_json(client: HttpClient) -> None:
    response = await client.tool("echo", {"a": 1})
    assert response.headers["content-type"] == "application/json"
    answer = await response.json()
    assert answer["result"] == {"content": [{"type": "text", "text": '{"a": 1}'}]}


async def test_progress_comes_before_the_answer_in_a_stream_with_the_clients_token(client: HttpClient) -> None:
    response = await client.tool("progress", _meta={"progressToken": "mine"})
    assert response.is_stream
    messages = await response.messages()
    assert [message.get("method") for message in messages] == [
        "notifications/progress",
        "notifications/message",
        "notifications/progress",
        None,
    ]
    assert messages[0]["params"] == {"progressToken": "mine", "progress": 1}
    assert messages[3]["result"] == {"content": []}


async def test_progress_nobody_asked_for_is_kept_back(client: HttpClient, host: FakeHost) -> None:
    messages = await (await client.tool("progress")).messages()
    assert [message.get("method") for message in messages] == ["notifications/message", None]
    assert host.calls[0].progress is False


async def test_ids_and_tokens_of_the_client_do_not_reach_the_server(client: HttpClient, host: FakeHost) -> None:
    await (await client.tool("echo", _meta={"progressToken": 5, "vendor/x": {"y": 1}})).json()
    assert host.calls[0].meta == {"vendor/x": {"y": 1}}
    assert host.calls[0].progress is True


async def test_cancelled_notification_ends_only_that_clients_request(port: int, held: Held, host: FakeHost) -> None:
    async with HttpClient(port) as first, HttpClient(port) as second:
        for client in (first, second):
            await client.initialize()
        one = asyncio.create_task(first.call("tools/call", {"name": "held"}, id=7))
        await host.call_number(1)
        two = asyncio.create_task(second.call("tools/call", {"name": "held"}, id=7))
        await host.call_number(2)
        await first.notify("notifications/cancelled", {"requestId": 7})
        assert (await (await one).json())["error"]["code"] == -32800
        assert [call.cancelled for call in host.calls] == [True, False]
        held.go.set()
        assert (await (await two).json())["result"]["done"] is True


async def test_same_id_twice_in_flight_is_refused(client: HttpClient, held: Held, host: FakeHost) -> None:
    first = asyncio.create_task(client.call("tools/call", {"name": "held"}, id="x"))
    await host.call_number(1)
    again = await client.call("tools/call", {"name": "held"}, id="x")
    assert again.status == 400
    error = (await again.json())["error"]
    assert (error["code"], "in flight already" in error["message"]) == (-32600, True)
    held.go.set()
    assert "result" in await (await first).json()


async def test_same_progress_token_twice_in_flight_is_refused(client: HttpClient, held: Held, host: FakeHost) -> None:
    meta = {"progressToken": 1}
    first = asyncio.create_task(client.tool("held", _meta=meta))
    await host.call_number(1)
    assert (await (await client.tool("held", _meta=meta)).json())["error"]["code"] == -32602
    held.go.set()
    await first
    assert "result" in await (await client.tool("echo", _meta=meta)).json()


async def test_delete_ends_the_session_and_its_calls(client: HttpClient, held: Held, host: FakeHost) -> None:
    running = asyncio.create_task(client.tool("held"))
    await host.call_number(1)
    assert (await client.request("DELETE")).status == 200
    assert (await (await running).json())["error"]["code"] == -32800
    assert host.calls[0].cancelled
    assert host.open_threads == []
    assert (await client.call("ping")).status == 404


async def test_request_without_session_is_told_to_initialize(port: int) -> None:
    async with HttpClient(port) as client:
        response = await client.call("tools/list")
        assert response.status == 400
        assert "initialize" in (await response.json())["error"]["message"]


async def test_unknown_revision_in_the_header_is_refused(client: HttpClient) -> None:
    client.version = "1999-01-01"
    assert (await client.call("ping")).status == 400


async def test_vendor_request_reaches_the_server_as_it_is(client: HttpClient, host: FakeHost) -> None:
    async def vendor(call: FakeCall) -> bytes:
        return encode({"got": call.params})

    host.servers["one"].handlers["vendor/thing"] = vendor
    assert await client.result("vendor/thing", {"x": [1]}) == {"got": {"x": [1]}}


async def test_servers_error_comes_through_with_its_data(client: HttpClient, host: FakeHost) -> None:
    from mcpool.errors import RpcError

    async def fail(call: FakeCall) -> bytes:
        raise RpcError("one", -32042, "go there", b'{"url":\n"https://x"}')

    host.servers["one"].tools["fail"] = fail
    answer = await (await client.tool("fail")).json()
    assert answer["error"] == {"code": -32042, "message": "go there", "data": {"url": "https://x"}}


async def test_unknown_server_is_not_found(port: int) -> None:
    async with HttpClient(port, "/mcp/nope") as client:
        response = await client.call("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}})
        assert response.status == 404


async def test_broken_server_fails_initialize_with_its_reason(port: int, host: FakeHost) -> None:
    host.servers["one"].broken = "it exits at once"
    async with HttpClient(port) as client:
        response = await client.call("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}})
        error = (await response.json())["error"]
    assert error["message"] == "`one`: it exits at once"
    assert error["data"] == {"mcpool": {"error": "ServerUnavailable", "server": "one"}}
    assert "mcp-session-id" not in response.headers


async def test_batch_is_answered_as_one_array_where_the_revision_has_it(port: int) -> None:
    async with HttpClient(port) as client:
        await client.initialize("2025-03-26")
        batch: list[dict[str, object]] = [
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/whatever"},
            {"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "echo", "arguments": {}}},
        ]
        answers = await (await client.post(batch)).json()
    assert {answer["id"]: "result" in answer for answer in answers} == {1: True, "b": True}


async def test_batch_is_refused_where_the_revision_has_none(client: HttpClient) -> None:
    assert (await client.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])).status == 400


async def test_log_level_goes_to_the_thread(client: HttpClient, host: FakeHost) -> None:
    assert await client.result("logging/setLevel", {"level": "warning"}) == {}
    assert host.threads[0].levels == {"one": "warning"}


async def test_session_of_another_route_or_client_is_not_found(client: HttpClient, port: int) -> None:
    """A session is bound to its principal and route."""
    for path, token in (("/mcp", client.token), ("/mcp/one", f"other-{client.token}")):
        async with HttpClient(port, path, token=token) as other:
            other.session, other.version = client.session, client.version
            assert (await other.call("ping")).status == 404


async def test_session_outlives_the_gateway_that_made_it(host: FakeHost) -> None:
    """Invariant 11: after a restart an id that was never seen is as good as before."""
    async with serving(gateway_for(host)) as port, HttpClient(port) as client:
        await client.initialize(capabilities={"elicitation": {"url": {}}})
        session, version = client.session, client.version
    async with serving(gateway_for(host)) as port, HttpClient(port) as client:
        client.session, client.version = session, version
        assert "result" in await (await client.tool("echo")).json()
    assert host.threads[-1].client.elicitation_url
    assert not host.threads[-1].client.elicitation_form


async def test_forged_session_id_is_not_found(client: HttpClient) -> None:
    assert client.session is not None
    client.session = client.session[:-2] + ("AA" if not client.session.endswith("AA") else "BB")
    assert (await client.call("ping")).status == 404


async def test_every_step_is_released(client: HttpClient, host: FakeHost) -> None:
    await (await client.tool("echo")).json()
    await (await client.tool("nope")).json()
    await client.result("tools/list")
    assert host.steps_open == 0


async def test_newlines_and_repeated_keys_are_settled_before_anything_is_sent(
    client: HttpClient, host: FakeHost
) -> None:
    """Invariant 12."""
    body = b'{"jsonrpc":"2.0",\r\n"id":1,"method":"tools/call","params":{"name":"nope",\n"name":"echo","arguments":{}}}'
    answer = await (await client.request("POST", body)).json()
    assert "result" in answer
    assert host.calls[0].raw["name"] == b'"echo"'


async def test_result_reaches_the_client_byte_for_byte(client: HttpClient, host: FakeHost) -> None:
    raw = b'{"content": [],  "big": 12345678901234567890.000, "content2":"\\u00e9", "vendor":{}}'

    async def exact(call: FakeCall) -> bytes:
        return raw

    host.servers["one"].tools["exact"] = exact
    assert raw in await (await client.tool("exact")).body()


async def test_large_result_in_a_stream_is_whole(client: HttpClient, host: FakeHost) -> None:
    async def large(call: FakeCall) -> bytes:
        call.log("first")
        return json.dumps({"content": [], "text": "x" * 20_000_000}).encode()

    host.servers["one"].tools["large"] = large
    messages = await (await client.tool("large")).messages()
    assert len(messages[-1]["result"]["text"]) == 20_000_000
