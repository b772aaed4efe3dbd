"""The general stream of a handshake session is kept open, whatever breaks it and how often (H1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp.client.streamable_http
import pytest

from mcpool.wire import http_general
from mcpool.wire.http import HttpSpec, open_http
from support.raw_http import Asked, raw_server

DEADLINE = 20.0
SESSION = (("Mcp-Session-Id", "s1"),)
INITIALIZE = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}\n'
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "raw", "version": "0"}}
CALL = b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}\n'

Get = Callable[[Asked], Awaitable[None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are tested as numbers; here they would only take time."""
    monkeypatch.setattr(http_general, "AGAIN_AFTER", 0.001)
    monkeypatch.setattr(mcp.client.streamable_http, "DEFAULT_RECONNECTION_DELAY_MS", 1)


class Recorder:
    """A sink that knows how the session fares."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes] = asyncio.Queue()
        self.gaps = 0
        self.closing: list[str] = []
        self.exited = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        raise AssertionError(data)

    def on_message(self, data: bytes, related: int | str | None) -> None:
        self.said.put_nowait(data)

    def on_call_lost(self, call: int | str, sent: bool, reason: str) -> None: ...

    def on_closing(self, reason: str) -> None:
        self.closing.append(reason)

    def on_gap(self) -> None:
        self.gaps += 1

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None:
        self.exited.set()

    async def hears(self, what: str) -> None:
        """Wait for the next message, which has to be this."""
        assert what.encode() in await asyncio.wait_for(self.said.get(), DEADLINE)


def note(text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": text}}


class Server:
    """Does with each request for the general stream what comes next, and with all others what is right."""

    def __init__(self, *gets: Get) -> None:
        self.gets = iter(gets)
        self.asked: list[str | None] = []
        """The last event that each request names."""
        self.enough = asyncio.Event()
        """More was asked for than there is."""

    async def __call__(self, asked: Asked) -> None:
        if asked.method == "GET":
            self.asked.append(asked.headers.get("last-event-id"))
            get = next(self.gets, None)
            if get is None:
                self.enough.set()
                await asyncio.Event().wait()
            else:
                await get(asked)
        elif asked.method == "POST" and asked.message.get("method") == "initialize":
            await asked.result(HELLO, SESSION)
        elif asked.method == "POST" and "id" in asked.message:
            await asked.result({"content": []})
        else:
            await asked.reply(202)


@asynccontextmanager
async def session(server: Server, **spec: Any) -> AsyncGenerator[tuple[Any, Recorder]]:
    async with raw_server(server) as url:
        recorder = Recorder()
        link = await open_http(HttpSpec("raw", url, **spec), recorder)
        try:
            link.write(INITIALIZE)
            await recorder.hears("raw")
            link.write(INITIALIZED)
            yield link, recorder
        finally:
            await link.close()


def says(text: str, *, id: str | None = None, then: Callable[[Asked], None] | None = None) -> Get:
    async def get(asked: Asked) -> None:
        await asked.open_stream()
        await asked.event(note(text), b"" if id is None else b"id: %b\n" % id.encode())
        if then is None:
            await asyncio.Event().wait()
        else:
            then(asked)

    return get


def breaks(asked: Asked) -> None:
    asked.writer.write(b"data: {half of")
    asked.writer.transport.abort()


def ends(asked: Asked) -> None:
    asked.hang_up()


def answers(status: int, body: bytes = b"", kind: str = "text/plain") -> Get:
    async def get(asked: Asked) -> None:
        await asked.reply(status, body, kind)

    return get


async def test_a_stream_that_breaks_again_and_again_is_opened_again_each_time() -> None:
    """The SDK gives it up after the second time."""
    server = Server(*(says(str(number), then=breaks) for number in range(6)), says("the last"))
    async with session(server) as (_, recorder):
        for number in range(6):
            await recorder.hears(f'"{number}"')
        await recorder.hears("the last")
        assert recorder.gaps == 6, "what it said in between nobody heard"


async def test_a_stream_that_ends_is_opened_again_and_may_have_missed_something() -> None:
    server = Server(says("one", then=ends), says("two"))
    async with session(server) as (_, recorder):
        await recorder.hears("one")
        await recorder.hears("two")
        assert recorder.gaps == 1


async def test_a_stream_that_opens_at_once_has_missed_nothing() -> None:
    async with session(Server(says("one"))) as (_, recorder):
        await recorder.hears("one")
        assert recorder.gaps == 0


@pytest.mark.parametrize("status", [401, 409, 429, 500, 502, 503, 504])
async def test_a_stream_that_cannot_be_opened_for_now_is_waited_for(status: int) -> None:
    server = Server(*[answers(status)] * 5, says("at last"))
    async with session(server) as (_, recorder):
        await recorder.hears("at last")
        assert recorder.gaps == 1


async def test_connections_that_break_before_they_answer_are_waited_for() -> None:
    async def cut(asked: Asked) -> None:
        asked.writer.transport.abort()

    async with session(Server(*[cut] * 5, says("at last"))) as (_, recorder):
        await recorder.hears("at last")


@pytest.mark.parametrize(("status", "kind"), [(405, "text/plain"), (200, "text/html"), (400, "application/json")])
async def test_a_stream_that_is_not_offered_is_asked_for_once(
    status: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = asyncio.Event()
    get_stream = mcp.client.streamable_http.StreamableHTTPTransport.handle_get_stream

    async def watched(*arguments: Any) -> None:
        await get_stream(*arguments)
        given_up.set()

    monkeypatch.setattr(mcp.client.streamable_http.StreamableHTTPTransport, "handle_get_stream", watched)
    server = Server(answers(status, b"{}", kind))
    async with session(server) as (link, _):
        await asyncio.wait_for(given_up.wait(), DEADLINE)
        assert link.alive
    assert len(server.asked) == 1


async def test_a_stream_goes_on_from_the_last_event_and_has_missed_nothing_then() -> None:
    server = Server(says("one", id="e1", then=breaks), says("two", id="e2", then=breaks), says("three"))
    async with session(server) as (_, recorder):
        for text in ("one", "two", "three"):
            await recorder.hears(text)
        assert recorder.gaps == 0
    assert server.asked == [None, "e1", "e2"]


@pytest.mark.parametrize("status", [400, 405, 500])
async def test_an_event_from_which_the_server_cannot_go_on_is_not_named_again(status: int) -> None:
    server = Server(says("one", id="e1", then=breaks), answers(status), says("two", then=breaks), says("three"))
    async with session(server) as (_, recorder):
        for text in ("one", "two", "three"):
            await recorder.hears(text)
        assert recorder.gaps == 2
    assert server.asked == [None, "e1", None, None]


async def test_events_that_are_too_large_cost_themselves_and_not_the_stream() -> None:
    def too_large(asked: Asked) -> None:
        asked.writer.write(b"id: big\ndata: " + b"x" * 5000 + b"\n\n")

    gets = [says(str(number), id=f"e{number}", then=too_large) for number in range(4)]
    async with session(Server(*gets, says("the last")), max_message_bytes=2000) as (_, recorder):
        for number in range(4):
            await recorder.hears(f'"{number}"')
        await recorder.hears("the last")


@pytest.mark.parametrize("refusal", [answers(404), answers(400, b"No valid session ID provided")])
async def test_a_session_that_is_gone_is_told_at_once(refusal: Get) -> None:
    async with session(Server(says("one", then=breaks), refusal)) as (_, recorder):
        await recorder.hears("one")
        await asyncio.wait_for(recorder.exited.wait(), DEADLINE)
    assert recorder.closing == ["no longer knows our session"]


async def test_a_link_that_is_closed_leaves_nothing_that_waits_for_the_stream() -> None:
    before = asyncio.all_tasks()
    server = Server(*[answers(503)] * 3)
    async with session(server):
        await asyncio.wait_for(server.enough.wait(), DEADLINE)
    assert asyncio.all_tasks() == before


async def test_calls_are_answered_while_the_stream_is_waited_for() -> None:
    server = Server(*[answers(503)] * 3)
    async with session(server) as (link, recorder):
        await asyncio.wait_for(server.enough.wait(), DEADLINE)
        link.write(CALL)
        await recorder.hears('"id":2')
