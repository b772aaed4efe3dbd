"""The HTTP link against endpoints that fail: whatever they do harms one call or ends one link, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mcpool.errors import ServerUnavailable
from mcpool.wire.http import HttpSpec, open_http
from mcpool.wire.http_link import CALL_LOST, HttpLink
from support.ports import closed_port
from support.raw_http import Asked, Handler, raw_server

DEADLINE = 20.0
SESSION = (("Mcp-Session-Id", "s1"),)


class Recorder:
    """A sink that knows what HTTP knows."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[dict[str, Any], int | str | None]] = asyncio.Queue()
        self.lost: asyncio.Queue[tuple[int | str, bool, str]] = asyncio.Queue()
        self.exits: list[int | None] = []
        self.exited = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        raise AssertionError(data)

    def on_message(self, data: bytes, related: int | str | None) -> None:
        self.messages.put_nowait((json.loads(data), related))

    def on_call_lost(self, call: int | str, sent: bool, reason: str) -> None:
        self.lost.put_nowait((call, sent, reason))

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None:
        self.exits.append(status)
        self.exited.set()

    async def next(self) -> dict[str, Any]:
        return (await asyncio.wait_for(self.messages.get(), DEADLINE))[0]

    async def next_lost(self) -> tuple[int | str, bool, str]:
        return await asyncio.wait_for(self.lost.get(), DEADLINE)

    async def end(self) -> None:
        await asyncio.wait_for(self.exited.wait(), DEADLINE)


class PlainRecorder:
    """A sink that offers only what every sink must."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def on_bytes(self, data: bytes) -> None:
        self.lines.put_nowait(json.loads(data))

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None: ...


@asynccontextmanager
async def linked(handler: Handler, **spec: Any) -> AsyncGenerator[tuple[HttpLink, Recorder]]:
    async with raw_server(handler) as url:
        recorder = Recorder()
        link = await open_http(HttpSpec("raw", url, **spec), recorder)
        try:
            yield link, recorder
        finally:
            await link.close()


def line(**message: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def call(id_: int) -> bytes:
    return line(id=id_, method="tools/call", params={"name": "x", "arguments": {}})


INITIALIZE = line(id=1, method="initialize", params={"protocolVersion": "2025-06-18", "capabilities": {}})
INITIALIZED = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "raw", "version": "0"}}


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "other credentials"), (403, "do not allow"), (429, "HTTP 429"), (503, "HTTP 503")],
)
async def test_an_http_error_answers_the_call_and_leaves_the_link_open(status: int, says: str) -> None:
    async def handler(asked: Asked) -> None:
        await asked.reply(status, b"go away", "text/plain", (("Retry-After", "5"),))

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
        assert link.alive
    assert answer["id"] == 3
    assert says in answer["error"]["message"]
    assert answer["error"]["data"]["httpStatus"] == status


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_failure_of_the_server_or_of_a_gateway_leaves_the_outcome_unknown(status: int) -> None:
    """Invariant 6: it may come after the server has done the work."""

    async def handler(asked: Asked) -> None:
        await asked.reply(status, b"it went wrong", "text/plain")

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        lost, sent, reason = await recorder.next_lost()
    assert (lost, sent) == (3, True)
    assert f"HTTP {status}" in reason


async def test_a_json_rpc_error_under_an_http_error_reaches_the_caller_as_it_is() -> None:
    async def handler(asked: Asked) -> None:
        await asked.reply(400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no","data":{"a":1}}}')

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
    assert answer == {"jsonrpc": "2.0", "id": 3, "error": {"code": -32602, "message": "no", "data": {"a": 1}}}


async def test_an_expired_session_ends_the_link_and_the_call_counts_as_unsent() -> None:
    """Reference 6.3: a 404 with our session id means that the server did nothing."""

    async def handler(asked: Asked) -> None:
        if asked.method == "POST" and asked.message["method"] == "initialize":
            await asked.result(INITIALIZED, SESSION)
        else:
            await asked.reply(404, b"who?", "text/plain")

    async with linked(handler) as (link, recorder):
        link.write(INITIALIZE)
        await recorder.next()
        link.write(call(3))
        await recorder.end()
        assert link.sent == len(INITIALIZE)
        assert "no longer knows our session" in link.last_words()
        assert not link.alive


async def test_nobody_listening_ends_the_link_with_the_reason() -> None:
    recorder = Recorder()
    link = await open_http(HttpSpec("raw", f"http://127.0.0.1:{closed_port()}/mcp"), recorder)
    link.write(INITIALIZE)
    await recorder.end()
    await link.close()
    assert recorder.exits == [None]
    assert link.sent == 0
    assert "cannot connect to http://127.0.0.1" in link.last_words()
    assert "refused" in link.last_words()


async def test_a_name_that_does_not_resolve_ends_the_link_with_the_reason() -> None:
    recorder = Recorder()
    link = await open_http(HttpSpec("raw", "http://no-such-host.invalid/s3cret/mcp?token=s3cret"), recorder)
    link.write(INITIALIZE)
    await recorder.end()
    await link.close()
    assert "cannot connect to http://no-such-host.invalid: " in link.last_words()
    assert "s3cret" not in link.last_words()


async def test_a_reset_during_a_call_loses_that_call_only() -> None:
    release = asyncio.Event()

    async def handler(asked: Asked) -> None:
        if asked.message["id"] == 3:
            asked.writer.transport.abort()
            return
        await release.wait()
        await asked.result({"ok": True})

    async with linked(handler) as (link, recorder):
        link.write(call(4) + call(3))
        lost, sent, _ = await recorder.next_lost()
        release.set()
        answer = await recorder.next()
        assert link.alive
    assert (lost, sent) == (3, True)
    assert answer["id"] == 4


async def test_a_stream_that_ends_without_an_answer_loses_the_call() -> None:
    async def handler(asked: Asked) -> None:
        await asked.open_stream()
        asked.hang_up()

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        lost, sent, reason = await recorder.next_lost()
    assert (lost, sent) == (3, True)
    assert "without an answer" in reason


async def test_an_answer_cut_short_loses_the_call() -> None:
    async def handler(asked: Asked) -> None:
        asked.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
        await asked.writer.drain()
        asked.hang_up()

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        lost, sent, reason = await recorder.next_lost()
    assert (lost, sent) == (3, True)
    assert "broke the connection" in reason


async def test_a_sink_without_the_extras_gets_a_lost_call_as_an_error_line() -> None:
    async def handler(asked: Asked) -> None:
        asked.writer.transport.abort()

    async with raw_server(handler) as url:
        plain = PlainRecorder()
        link = await open_http(HttpSpec("raw", url), plain)
        link.write(call(3))
        answer = await asyncio.wait_for(plain.lines.get(), DEADLINE)
        await link.close()
    assert (answer["id"], answer["error"]["code"]) == (3, CALL_LOST)


async def test_an_answer_over_the_limit_fails_with_the_limit_named() -> None:
    async def handler(asked: Asked) -> None:
        await asked.result({"text": "x" * 5000})

    async with linked(handler, max_message_bytes=2000) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
    assert "larger than the limit of 2000 bytes" in answer["error"]["message"]


async def test_an_event_over_the_limit_fails_its_call() -> None:
    async def handler(asked: Asked) -> None:
        await asked.open_stream()
        await asked.event({"jsonrpc": "2.0", "id": 3, "result": {"text": "x" * 5000}})

    async with linked(handler, max_message_bytes=2000) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
    assert answer["id"] == 3
    assert "2000 byte limit" in answer["error"]["message"]


async def test_the_limit_is_adjustable_beyond_the_sdks_default() -> None:
    async def handler(asked: Asked) -> None:
        await asked.open_stream()
        await asked.event({"jsonrpc": "2.0", "id": 3, "result": {"text": "x" * 3_000_000}})

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
    assert len(answer["result"]["text"]) == 3_000_000


@pytest.mark.parametrize("body", [b"not json", b"[]", b"\xff\xfe", b'{"jsonrpc":"2.0","id":3,"result":"\\ud800"}'])
async def test_an_answer_that_is_no_message_fails_its_call(body: bytes) -> None:
    async def handler(asked: Asked) -> None:
        await asked.reply(200, body)

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
        assert link.alive
    assert answer["id"] == 3
    assert answer["error"]["code"] == -32700


async def test_what_the_engine_wrote_arrives_byte_for_byte() -> None:
    """Invariant 12: number spellings, key order and vendor fields of a request are not touched."""
    bodies: list[bytes] = []

    async def handler(asked: Asked) -> None:
        bodies.append(asked.body)
        await asked.result({})

    params = b'{"b":1.0,"a":1e2,"n":12345678901234567890123,"s":"\\u00e9"}'
    exact = b'{"x-vendor":1,"params":' + params + b',"id":3,"method":"m","jsonrpc":"2.0"}'
    async with linked(handler) as (link, recorder):
        link.write(exact + b"\n")
        await recorder.next()
    assert bodies == [exact]


async def test_vendor_fields_of_an_answer_survive() -> None:
    result: dict[str, object] = {
        "content": [],
        "x-vendor": {"deep": [1, None, 2.5]},
        "_meta": {"acme/id": 12345678901234567890123},
    }

    async def handler(asked: Asked) -> None:
        await asked.result(result)

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        answer = await recorder.next()
    assert answer["result"] == result


async def test_a_session_that_ends_while_idle_is_noticed_on_the_general_stream() -> None:
    async def handler(asked: Asked) -> None:
        if asked.method == "GET":
            await asked.reply(404)
        elif asked.message["method"] == "initialize":
            await asked.result(INITIALIZED, SESSION)
        else:
            await asked.reply(202)

    async with linked(handler) as (link, recorder):
        link.write(INITIALIZE)
        await recorder.next()
        link.write(line(method="notifications/initialized"))
        await recorder.end()
        assert "no longer knows our session" in link.last_words()


async def test_a_server_gone_between_calls_ends_the_link_and_the_call_counts_as_unsent() -> None:
    async def handler(asked: Asked) -> None:
        await asked.result(INITIALIZED, (("Connection", "close"),))
        asked.hang_up()

    recorder = Recorder()
    async with raw_server(handler) as url:
        link = await open_http(HttpSpec("raw", url), recorder)
        link.write(INITIALIZE)
        await recorder.next()
    link.write(call(3))
    await recorder.end()
    await link.close()
    assert link.sent == len(INITIALIZE)
    assert "refused" in link.last_words()


async def test_closing_waits_no_longer_than_two_seconds_for_a_deaf_server() -> None:
    """The DELETE is bounded; the deadline here is far above it and far below the server's patience."""
    never = asyncio.Event()

    async def handler(asked: Asked) -> None:
        if asked.method == "DELETE":
            await never.wait()
        await asked.result(INITIALIZED, SESSION)

    async with linked(handler) as (link, recorder):
        link.write(INITIALIZE)
        await recorder.next()
        await asyncio.wait_for(link.close(), DEADLINE)
        assert recorder.exits == [None]


async def test_killing_tells_the_sink_and_leaves_no_task() -> None:
    never = asyncio.Event()

    async def handler(asked: Asked) -> None:
        await never.wait()

    async with linked(handler) as (link, recorder):
        link.write(call(3))
        link.kill()
        await recorder.end()
        await link.close()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("mcpool-http")]


async def test_a_lost_server_never_cancels_the_task_that_opened_the_link() -> None:
    """The SDK cancels the task in which its context was entered; ours must not be it."""

    async def handler(asked: Asked) -> None:
        asked.writer.transport.abort()

    async with linked(handler) as (link, recorder):
        task = asyncio.current_task()
        assert task is not None
        for n in range(3, 6):
            link.write(call(n))
            await recorder.next_lost()
        assert task.cancelling() == 0


@pytest.mark.parametrize("url", ["ftp://host/mcp", "no-url", "http://"])
async def test_a_url_that_cannot_be_used_is_an_error_that_names_the_server(url: str) -> None:
    with pytest.raises(ServerUnavailable, match="`raw`: cannot use"):
        await open_http(HttpSpec("raw", url), Recorder())


async def test_configured_headers_are_sent_and_never_shown() -> None:
    seen: list[str] = []

    async def handler(asked: Asked) -> None:
        seen.append(asked.headers["authorization"])
        await asked.result({})

    spec = {"headers": (("Authorization", "Bearer s3cret"),)}
    async with linked(handler, **spec) as (link, recorder):
        link.write(call(3))
        await recorder.next()
        assert "s3cret" not in repr(link)
    assert seen == ["Bearer s3cret"]


async def test_a_header_that_http_forbids_ends_the_link_without_showing_it() -> None:
    async def handler(asked: Asked) -> None:
        await asked.result({})

    async with linked(handler, headers=(("Authorization", "Bearer s3\ncret"),)) as (link, recorder):
        link.write(INITIALIZE)
        await recorder.end()
        assert "check the configured headers" in link.last_words()
        assert "cret" not in link.last_words()


async def test_what_was_sent_does_not_shrink_while_an_earlier_call_waits() -> None:
    """Invariant 6: a later call that was answered must never look unsent."""
    release = asyncio.Event()

    async def handler(asked: Asked) -> None:
        if asked.message["id"] == 3:
            await release.wait()
        await asked.result({})

    async with linked(handler) as (link, recorder):
        link.write(call(3) + call(4))
        await recorder.next()
        assert link.sent == len(call(3) + call(4))
        release.set()
        await recorder.next()
