"""Our engine and session over the HTTP link, held against the official SDK's server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from msgspec import Raw

from mcpool.wire.engine import Engine
from mcpool.wire.http import HttpSpec, open_http
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.peer import Inbound
from mcpool.wire.session import Era, Session

DEADLINE = 20.0
INFO = {"name": "tests", "version": "1"}


class Listener:
    """The peer: remembers what it heard."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[ConnectionLost] = asyncio.get_running_loop().create_future()

    def on_request(self, inbound: Inbound) -> None:
        raise AssertionError(inbound)

    def on_notification(self, inbound: Inbound) -> None: ...

    def on_lost(self, lost: ConnectionLost) -> None:
        self.lost.set_result(lost)

    def on_closing(self, lost: ConnectionLost) -> None: ...

    def on_gap(self) -> None: ...

    def on_settled(self) -> None: ...

    def on_garbage(self, kind: str, sample: bytes) -> None:
        raise AssertionError(kind, sample)


class Progress:
    """A call's sink."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_notification(self, method: str, params: bytes | None) -> None:
        self.heard.append(json.loads(params or b"{}")["message"])


def app(*, as_json: bool) -> Any:
    server = MCPServer("demo")

    @server.tool()
    async def shout(text: str, ctx: Context) -> str:
        await ctx.report_progress(1, 2, "warming up")
        return text.upper()

    return server.streamable_http_app(json_response=as_json)


@asynccontextmanager
async def served(*, as_json: bool = False) -> AsyncGenerator[str]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app(as_json=as_json), log_level="error", ws="none", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, DEADLINE)
        sock.close()


@asynccontextmanager
async def joined(url: str, era: Era | None = None) -> AsyncGenerator[tuple[Session, Listener]]:
    loop = asyncio.get_running_loop()
    listener = Listener()
    engine = Engine("demo", listener, loop=loop)
    link = await open_http(HttpSpec("demo", url), engine)
    engine.attach(link)
    try:
        opened = Session.open(
            engine, client_info=INFO, capabilities=b"{}", remembered=era, deadline=loop.time() + DEADLINE
        )
        yield await opened, listener
    finally:
        await link.close()


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "sse"])
@pytest.mark.parametrize(("remembered", "era"), [(None, "modern"), ("handshake", "handshake")])
async def test_a_session_lists_and_calls_in_either_era(remembered: Era | None, era: Era, as_json: bool) -> None:
    async with served(as_json=as_json) as url, joined(url, remembered) as (session, _):
        tools = await session.list_all("tools/list", "tools", timeout=DEADLINE)
        fields = {"name": Raw(b'"shout"'), "arguments": Raw(b'{"text":"hi"}')}
        result = await session.request("tools/call", fields, timeout=DEADLINE)
    assert session.era == era
    assert [json.loads(tool)["name"] for tool in tools] == ["shout"]
    assert json.loads(result)["content"][0]["text"] == "HI"


@pytest.mark.parametrize("remembered", [None, "handshake"], ids=["modern", "handshake"])
async def test_progress_reaches_the_sink_of_its_call(remembered: Era | None) -> None:
    async with served() as url, joined(url, remembered) as (session, _):
        sink = Progress()
        fields = {"name": Raw(b'"shout"'), "arguments": Raw(b'{"text":"hi"}')}
        call = session.call("tools/call", fields, progress=True, sink=sink)
        await asyncio.wait_for(call.future, DEADLINE)
    assert sink.heard == ["warming up"]


async def test_a_server_that_went_away_fails_the_next_call_as_unsent() -> None:
    """Invariant 6: what never left may be sent again."""
    async with AsyncExitStack() as serving:
        url = await serving.enter_async_context(served())
        async with joined(url) as (session, listener):
            await serving.aclose()
            call = session.call("tools/list")
            with pytest.raises(ConnectionLost) as failure:
                await asyncio.wait_for(call.future, DEADLINE)
            await asyncio.wait_for(listener.lost, DEADLINE)
    assert not failure.value.sent
