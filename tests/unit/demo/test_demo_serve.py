"""The demo server's loop, over files in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from threading import Condition
from typing import BinaryIO, cast

import pytest

from mcpool.demo.catalogue import catalogue
from mcpool.demo.serve import serve
from mcpool.demo.tool import Json

MODERN_META: Json = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Target:
    """Where the server writes: messages that a test can wait for."""

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self._changed = Condition()

    def write(self, data: bytes) -> None:
        with self._changed:
            self.messages.append(json.loads(data))
            self._changed.notify_all()

    def flush(self) -> None:
        pass

    def wait(self, holds: Callable[[list[Json]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.messages), timeout=60)


class Script:
    """Where the server reads: lines, and conditions on what it wrote before the next line is there."""

    def __init__(self, target: Target, *steps: bytes | Json | Callable[[list[Json]], bool]) -> None:
        self._target = target
        self._steps = list(steps)

    def readline(self, limit: int) -> bytes:
        while self._steps:
            step = self._steps.pop(0)
            if callable(step):
                self._target.wait(step)
                continue
            line = step if isinstance(step, bytes) else json.dumps({"jsonrpc": "2.0", **step}).encode() + b"\n"
            if len(line) > limit:
                self._steps.insert(0, line[limit:])
            return line[:limit]
        return b""


def run(*steps: bytes | Json | Callable[[list[Json]], bool]) -> list[Json]:
    target = Target()
    serve(cast("BinaryIO", Script(target, *steps)), cast("BinaryIO", target), catalogue("."))
    return target.messages


def call(id: object, tool: str, arguments: Json, **meta: object) -> Json:
    return {"id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": meta}}


def error_code(message: Json) -> object:
    return cast("Json", message["error"])["code"]


def result(message: Json) -> Json:
    return cast("Json", message["result"])


@pytest.mark.parametrize(
    ("offered", "agreed"), [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")]
)
def test_initialize_agrees_on_a_revision_with_a_handshake(offered: str, agreed: str):
    (message,) = run({"id": 1, "method": "initialize", "params": {"protocolVersion": offered}})
    assert result(message)["protocolVersion"] == agreed


def test_a_modern_request_gets_a_stamped_result_and_a_handshake_one_a_plain_result():
    modern, plain = run(
        {"id": 1, "method": "tools/list", "params": {"_meta": MODERN_META}}, {"id": 2, "method": "tools/list"}
    )
    assert result(modern)["resultType"] == "complete"
    assert result(modern)["cacheScope"] == "public"
    assert result(plain).keys() == {"tools"}


def test_an_unknown_modern_revision_is_refused_with_the_known_ones():
    meta = {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    (message,) = run({"id": 1, "method": "server/discover", "params": {"_meta": meta}})
    assert message["error"] == {
        "code": -32022,
        "message": "unsupported protocol version 2099-01-01",
        "data": {"supported": ["2026-07-28"], "requested": "2099-01-01"},
    }


@pytest.mark.parametrize(("meta", "code"), [({}, None), (MODERN_META, -32601)], ids=["handshake", "modern"])
def test_ping_is_of_the_handshake_era_only(meta: Json, code: int | None):
    (message,) = run({"id": 1, "method": "ping", "params": {"_meta": meta}})
    assert message.get("result") == ({} if code is None else None)
    assert code is None or error_code(message) == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json\n", -32700),
        (b"[" * 100_000 + b"\n", -32700),
        (b"[]\n", -32600),
        (b'{"jsonrpc":"2.0"}\n', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"no/such"}\n', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such"}}\n', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"demo://x"}}\n', -32002),
        (b'{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"find_in_folder"}}\n', -32602),
        (b'{"pad":"' + b"x" * (5 * 1024 * 1024) + b'"}\n', -32700),
    ],
    ids=["garbage", "deep", "batch", "nothing", "method", "tool", "resource", "prompt", "too long"],
)
def test_a_bad_line_is_answered_with_an_error_and_the_next_one_is_served(line: bytes, code: int):
    bad, good = run(line, {"id": 2, "method": "ping"})
    assert error_code(bad) == code
    assert good == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_empty_lines_answers_and_unknown_notifications_are_ignored():
    assert run(b"\n", {"id": 1, "result": {}}, {"method": "notifications/unknown"}) == []


def test_clients_of_one_process_share_the_counter():
    messages = run(call(1, "counter", {"add": 2}), call("1", "counter", {"add": 3}), call(3, "counter", {}))
    values = [cast("Json", result(message)["structuredContent"])["value"] for message in messages]
    assert values == [2, 5, 5]
    assert [message["id"] for message in messages] == [1, "1", 3]


def test_wrong_arguments_are_an_error_that_the_model_can_read():
    (message,) = run(call(1, "counter", {"add": "two"}))
    assert result(message) == {
        "content": [{"type": "text", "text": "argument 'add' must be of type integer"}],
        "isError": True,
    }


def test_slow_work_reports_each_step_to_the_token_that_asked():
    messages = run(call(1, "slow", {"seconds": 0, "steps": 3}, progressToken="p"), lambda seen: "id" in seen[-1])
    progress = [cast("Json", message["params"]) for message in messages[:-1]]
    assert [(p["progressToken"], p["progress"], p["total"]) for p in progress] == [
        ("p", 1, 3),
        ("p", 2, 3),
        ("p", 3, 3),
    ]
    assert result(messages[-1])["structuredContent"] == {"seconds": 0, "steps": 3}


def test_nobody_waits_for_slow_work_and_a_cancelled_call_is_never_answered():
    messages = run(
        call(1, "slow", {"seconds": 300, "steps": 1}),
        call("1", "slow", {"seconds": 300, "steps": 1}),
        {"id": 2, "method": "ping"},
        {"method": "notifications/cancelled", "params": {"requestId": 1}},
    )
    assert messages == [{"jsonrpc": "2.0", "id": 2, "result": {}}]


def test_the_end_of_the_input_ends_what_runs():
    assert run(call(1, "slow", {"seconds": 300, "steps": 1})) == []


@pytest.mark.parametrize(("zone", "is_error"), [("UTC", False), ("No/Such", True), ("../etc/passwd", True)])
def test_the_clock_knows_zones_and_says_when_it_does_not(zone: str, is_error: bool):
    (message,) = run(call(1, "clock", {"zone": zone}))
    assert result(message)["isError"] is is_error


def test_a_reader_that_is_gone_ends_the_server():
    class Gone(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        serve(io.BytesIO(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'), Gone(), catalogue("."))
