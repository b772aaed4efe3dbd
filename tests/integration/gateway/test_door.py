"""Who gets in, and what is refused before it becomes a message: hostile and broken requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gatewaykit.fake_host import FakeHost, FakeServer
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving
from mcpool.gateway.limits import Limits


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(FakeServer("one"))


@pytest.fixture
async def port(host: FakeHost) -> AsyncIterator[int]:
    limits = Limits(body_bytes=10_000, body_timeout=0.2, watch_after=0.02)
    async with serving(gateway_for(host, limits)) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port) as client:
        await client.initialize()
        yield client


PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


@pytest.mark.parametrize(
    "host_header", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@x", ""]
)
async def test_name_that_is_not_loopback_is_forbidden(client: HttpClient, host_header: str) -> None:
    assert (await client.request("POST", PING, {"Host": host_header})).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "file://localhost"])
async def test_page_from_elsewhere_is_forbidden(client: HttpClient, origin: str) -> None:
    assert (await client.request("POST", PING, {"Origin": origin})).status == 403


@pytest.mark.parametrize("host_header", ["localhost", "LOCALHOST:1234", "[::1]:8377", "127.0.0.1"])
async def test_loopback_names_are_let_in(client: HttpClient, host_header: str) -> None:
    headers = {"Host": host_header, "Origin": f"http://{host_header}"}
    assert (await client.request("POST", PING, headers)).status == 200


@pytest.mark.parametrize("value", [None, "Bearer wrong", "Bearer", "Basic dGVzdA==", "test-token-0123456789"])
async def test_without_the_token_nobody_gets_in(client: HttpClient, value: str | None) -> None:
    response = await client.request("POST", PING, {"Authorization": value})
    assert response.status == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_token_in_the_query_is_none(port: int) -> None:
    async with HttpClient(port, "/mcp/one?token=test-token-0123456789", token=None) as client:
        assert (await client.request("POST", PING)).status == 401


async def test_health_needs_no_token_and_tells_no_secret(port: int) -> None:
    async with HttpClient(port, "/health", token=None) as client:
        response = await client.request("GET")
        assert (response.status, await response.json()) == (200, {"status": "ok", "version": "1.2.3"})


async def test_other_paths_are_not_found(port: int) -> None:
    for path in ("/", "/mcpx", "/mcp/one/two", "/mcp/../health/x"):
        async with HttpClient(port, path) as client:
            assert (await client.request("POST", PING)).status == 404


async def test_other_methods_are_not_allowed(client: HttpClient) -> None:
    response = await client.request("PUT", PING)
    assert (response.status, response.headers["allow"]) == (405, "GET, POST, DELETE")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\xff"}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 4000 + b"]" * 4000 + b"}", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', -32700),
        (b'"ping"', -32600),
        (b"{}", -32600),
        (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 2000 + b'","method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 2000 + b',"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":3}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":{}}}}', -32600),
        (b"[]", -32600),
    ],
)
async def test_body_that_is_no_message_is_refused_and_nothing_is_sent(
    client: HttpClient, host: FakeHost, body: bytes, code: int
) -> None:
    response = await client.request("POST", body)
    assert response.status == 400
    assert (await response.json())["error"]["code"] == code
    assert host.calls == []


async def test_session_goes_on_after_garbage(client: HttpClient) -> None:
    await client.request("POST", b"{")
    assert await client.result("ping") == {}


async def test_body_over_the_limit_is_refused_by_its_length(client: HttpClient) -> None:
    head = client.head("POST", {}, 20_000)
    assert (await client.raw(head)).status == 413


async def test_body_over_the_limit_is_refused_while_it_comes(client: HttpClient) -> None:
    head = client.head("POST", {"Transfer-Encoding": "chunked"}, None)
    chunk = b"%x\r\n%b\r\n" % (8000, b" " * 8000)
    assert (await client.raw(head + chunk + chunk)).status == 413


async def test_body_that_does_not_arrive_is_given_up(client: HttpClient) -> None:
    response = await client.raw(client.head("POST", {}, 100) + b'{"jsonrpc"')
    assert response.status == 408
    assert response.headers["connection"] == "close"


async def test_client_that_goes_in_the_middle_of_its_body_does_no_harm(client: HttpClient) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(client.head("POST", {}, 100) + b"{")
    await writer.drain()
    writer.transport.abort()
    assert await client.result("ping") == {}


async def test_other_content_than_json_is_refused(client: HttpClient) -> None:
    assert (await client.request("POST", PING, {"Content-Type": "text/plain"})).status == 415


async def test_client_that_accepts_neither_json_nor_streams_is_refused(client: HttpClient) -> None:
    assert (await client.request("POST", PING, {"Accept": "text/html"})).status == 406


async def test_client_that_only_accepts_streams_gets_one(client: HttpClient) -> None:
    response = await client.request("POST", PING, {"Accept": "text/event-stream"})
    assert [message["result"] for message in await response.messages()] == [{}]


@pytest.mark.parametrize("name", ["Authorization", "Mcp-Session-Id", "Host"])
async def test_header_that_counts_may_not_be_there_twice(client: HttpClient, name: str) -> None:
    response = await client.request("POST", PING, {name.upper(): "x"})
    assert response.status == 400


async def test_method_name_is_data(client: HttpClient) -> None:
    """A method may be any string; nothing of it breaks out of the message that is made of it."""
    method = 'a"b\\c\n\u2028é'
    answer = await (await client.post({"jsonrpc": "2.0", "id": 1, "method": method})).json()
    assert answer["error"]["code"] == -32601
    assert method in answer["error"]["message"]


async def test_id_comes_back_as_it_was_written(client: HttpClient) -> None:
    for raw in (b"1", b"-0", b'"\\u0041"', b'"1"', b"12345678901234567890123"):
        body = await (await client.request("POST", b'{"jsonrpc":"2.0","method":"ping","id":%b}' % raw)).body()
        assert body == b'{"jsonrpc":"2.0","id":%b,"result":{}}' % raw
        assert json.loads(body)["result"] == {}


async def test_too_many_sessions_make_room_from_the_idle() -> None:
    host = FakeHost(FakeServer("one"))
    async with serving(gateway_for(host, Limits(sessions=2))) as port, HttpClient(port) as client:
        for _ in range(4):
            client.session = None
            await client.initialize()
        assert await client.result("ping") == {}
        assert len(host.open_threads) == 2
