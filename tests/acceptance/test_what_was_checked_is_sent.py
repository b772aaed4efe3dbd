"""Requests that say one thing to whoever checks them and another to whoever runs them (invariant 12)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gatewaykit.http_client import HttpClient
from support.mcpool_home import McpoolHome
from support.real_servers import odd, recorded


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """What the server received."""
    return tmp_path / "record"


@pytest.fixture
async def client(mcpool: McpoolHome, record: Path) -> AsyncGenerator[HttpClient]:
    """A client of a server whose tool `die` is switched off."""
    mcpool.configure_servers(odd=odd(record, cwd="/", disabled_tools=["die"]))
    mcpool.up().ready()
    port = mcpool.port()
    async with HttpClient(port, "/mcp/odd", token=mcpool.token()) as client:
        await client.initialize()
        yield client


async def pid(client: HttpClient) -> int:
    """The server's process."""
    said = await client.result("tools/call", {"name": "facts", "arguments": {}})
    return json.loads(said["content"][0]["text"])["pid"]


@pytest.mark.parametrize(
    "params",
    [
        b'{"name": "die", "arguments": {}}',
        b'{"name": "die", "name": "facts", "arguments": {}}',
        b'{"name": "facts", "name": "die", "arguments": {}}',
        b'{"name": "facts", "\\u006eame": "die", "arguments": {}}',
        b'{"name": "facts", "arguments": {}}, "params": {"name": "die", "arguments": {}}',
        b'{"name": "die", "arguments": {}}, "params": {"name": "facts", "arguments": {}}',
        b'{"name": "facts", "arguments": {"x":\n1}}\n, "x": {}',
        b'{"name": "facts", "arguments": {}}}\n{"jsonrpc": "2.0", "id": 9, "method": "tools/call", '
        b'"params": {"name": "die", "arguments": {}}',
        b'{"name": "facts\\n", "arguments": {}}',
        b'{"name": ["die"], "arguments": {}}',
        b'{"name": "facts", "arguments": {"text": "\\ud800"}}',
        b'{"name": "facts", "arguments": {"number": NaN}}',
    ],
)
async def test_tool_that_is_switched_off_never_runs(client: HttpClient, record: Path, params: bytes) -> None:
    """The server, which would end, goes on, and got no line that it could not read."""
    before = await pid(client)
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call",\r\n"params": ' + params + b"}"
    answer = await client.request("POST", body)
    assert answer.status in (200, 400)
    assert await pid(client) == before
    assert recorded(record, "initialize") == 1


async def test_body_of_many_lines_arrives_as_one(client: HttpClient, record: Path) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "facts", "arguments": {"a": [1]}}}
    answer = await client.request("POST", json.dumps(message, indent="\t").replace("\n", "\r\n").encode())
    assert "result" in await answer.json()
    assert recorded(record, "tools/call") == 1
