"""The HTTP link against the official SDK's own server, on loopback, in both eras and both kinds of answer."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel, Field

from mcpool.wire.http import HttpSpec, open_http
from mcpool.wire.http_link import HttpLink

HANDSHAKE = "2025-11-25"
MODERN = "2026-07-28"
DEADLINE = 20.0


class Answer(BaseModel):
    name: str


def demo_server() -> MCPServer:
    server = MCPServer("demo")

    @server.tool()
    def echo(text: str, region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "") -> str:
        return f"{text}/{region}"

    @server.tool()
    async def steps(ctx: Context) -> str:
        await ctx.report_progress(1, 2, "half")
        return "done"

    @server.tool()
    async def ask(ctx: Context) -> str:
        answer = await ctx.elicit("who?", Answer)
        return f"hello {answer.data.name}" if answer.action == "accept" else answer.action

    @server.tool()
    async def never() -> str:
        await asyncio.Event().wait()
        return "unreachable"

    return server


class Recorder:
    """A sink that knows what HTTP knows, and lets a test wait for what it expects."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[dict[str, Any], int | str | None]] = asyncio.Queue()
        self.lost: list[tuple[int | str, bool, str]] = []
        self.exited = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        raise AssertionError(data)

    def on_message(self, data: bytes, related: int | str | None) -> None:
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        self.messages.put_nowait((json.loads(data), related))

    def on_call_lost(self, call: int | str, sent: bool, reason: str) -> None:
        self.lost.append((call, sent, reason))

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None:
        self.exited.set()

    async def next(self) -> tuple[dict[str, Any], int | str | None]:
        return await asyncio.wait_for(self.messages.get(), DEADLINE)


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[str]:
    """Run an ASGI application on a free loopback port; yields its URL."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, DEADLINE)
        sock.close()


@asynccontextmanager
async def linked(app: Any, **spec: Any) -> AsyncGenerator[tuple[HttpLink, Recorder]]:
    async with serving(app) as url:
        recorder = Recorder()
        link = await open_http(HttpSpec("demo", url, **spec), recorder)
        try:
            yield link, recorder
        finally:
            await link.close()


def line(**message: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def modern(id_: int, method: str, **params: object) -> bytes:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return line(id=id_, method=method, params={**params, "_meta": meta})


async def shake_hands(link: HttpLink, recorder: Recorder, capabilities: dict[str, object] | None = None) -> None:
    params = {
        "protocolVersion": HANDSHAKE,
        "capabilities": capabilities or {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    link.write(line(id=1, method="initialize", params=params))
    answer, _ = await recorder.next()
    assert answer["result"]["protocolVersion"] == HANDSHAKE
    link.write(line(method="notifications/initialized"))


class HeaderLog:
    """ASGI middleware that keeps the headers of every request."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.seen.append((scope["method"], headers))
        await self.app(scope, receive, send)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "sse"])
async def test_handshake_era_call_is_answered(as_json: bool) -> None:
    async with linked(demo_server().streamable_http_app(json_response=as_json)) as (link, recorder):
        await shake_hands(link, recorder)
        link.write(line(id=2, method="tools/call", params={"name": "echo", "arguments": {"text": "hi"}}))
        answer, related = await recorder.next()
    assert answer["result"]["content"][0]["text"] == "hi/"
    assert related == 2


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "sse"])
async def test_modern_era_call_is_answered_without_handshake(as_json: bool) -> None:
    async with linked(demo_server().streamable_http_app(json_response=as_json)) as (link, recorder):
        link.write(modern(1, "server/discover"))
        discovered, _ = await recorder.next()
        link.write(modern(2, "tools/call", name="echo", arguments={"text": "hi"}))
        answer, _ = await recorder.next()
    assert MODERN in discovered["result"]["supportedVersions"]
    assert answer["result"]["content"][0]["text"] == "hi/"


async def test_headers_of_the_handshake_era_carry_the_negotiated_version() -> None:
    log = HeaderLog(demo_server().streamable_http_app(json_response=True))
    async with linked(log) as (link, recorder):
        await shake_hands(link, recorder)
        link.write(line(id=2, method="tools/list"))
        await recorder.next()
    posts = [headers for method, headers in log.seen if method == "POST"]
    assert "mcp-protocol-version" not in posts[0]
    assert [headers["mcp-protocol-version"] for headers in posts[1:]] == [HANDSHAKE, HANDSHAKE]


async def test_modern_headers_mirror_method_name_and_marked_arguments() -> None:
    log = HeaderLog(demo_server().streamable_http_app(json_response=True))
    async with linked(log) as (link, recorder):
        link.write(modern(1, "tools/list"))
        await recorder.next()
        link.write(modern(2, "tools/call", name="echo", arguments={"text": "x", "region": "Zürich"}))
        answer, _ = await recorder.next()
    _, headers = log.seen[-1]
    assert answer["result"]["content"][0]["text"] == "x/Zürich"
    assert (headers["mcp-method"], headers["mcp-name"]) == ("tools/call", "echo")
    assert headers["mcp-param-region"] == "=?base64?WsO8cmljaA==?="
    assert not [name for name in headers if name.startswith("x-mcpool")]


async def test_a_question_on_a_calls_stream_names_the_call() -> None:
    async with linked(demo_server().streamable_http_app()) as (link, recorder):
        await shake_hands(link, recorder, {"elicitation": {}})
        link.write(line(id=7, method="tools/call", params={"name": "ask", "arguments": {}}))
        question, related = await recorder.next()
        answer = {"action": "accept", "content": {"name": "Ada"}}
        link.write(line(id=question["id"], result=answer))
        result, _ = await recorder.next()
    assert (question["method"], related) == ("elicitation/create", 7)
    assert result["result"]["content"][0]["text"] == "hello Ada"


async def test_progress_comes_before_the_answer_and_names_the_call() -> None:
    async with linked(demo_server().streamable_http_app()) as (link, recorder):
        await shake_hands(link, recorder)
        call = {"name": "steps", "arguments": {}, "_meta": {"progressToken": 9}}
        link.write(line(id=9, method="tools/call", params=call))
        progress, related = await recorder.next()
        answer, _ = await recorder.next()
    assert (progress["method"], progress["params"]["progressToken"], related) == ("notifications/progress", 9, 9)
    assert answer["result"]["content"][0]["text"] == "done"


async def test_closing_ends_the_session_with_delete() -> None:
    log = HeaderLog(demo_server().streamable_http_app(json_response=True))
    async with linked(log) as (link, recorder):
        await shake_hands(link, recorder)
        await link.close()
        assert recorder.exited.is_set()
        assert not link.alive
    method, headers = log.seen[-1]
    assert method == "DELETE"
    assert headers["mcp-session-id"]


async def test_another_task_may_close_what_this_one_opened() -> None:
    async with linked(demo_server().streamable_http_app()) as (link, recorder):
        await shake_hands(link, recorder)
        await asyncio.create_task(link.close())
        await recorder.exited.wait()


async def test_a_cancelled_modern_call_closes_its_stream_and_leaves_the_link_usable() -> None:
    closed = asyncio.Event()
    inner = demo_server().streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def watched() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                closed.set()
            return message

        await inner(scope, watched, send)

    async with linked(app) as (link, recorder):
        link.write(modern(1, "tools/call", name="never", arguments={}))
        link.write(modern(2, "tools/call", name="echo", arguments={"text": "a"}))
        await recorder.next()
        link.write(line(method="notifications/cancelled", params={"requestId": 1}))
        await asyncio.wait_for(closed.wait(), DEADLINE)
        link.write(modern(3, "tools/call", name="echo", arguments={"text": "b"}))
        answer, _ = await recorder.next()
    assert answer["id"] == 3
    assert recorder.lost == []


async def test_a_hundred_calls_at_once_each_get_their_own_answer() -> None:
    async with linked(demo_server().streamable_http_app(json_response=True)) as (link, recorder):
        await shake_hands(link, recorder)
        link.write(
            b"".join(
                line(id=n, method="tools/call", params={"name": "echo", "arguments": {"text": str(n)}})
                for n in range(100, 200)
            )
        )
        answers = [(await recorder.next())[0] for _ in range(100)]
    assert {a["id"]: a["result"]["content"][0]["text"] for a in answers} == {n: f"{n}/" for n in range(100, 200)}
