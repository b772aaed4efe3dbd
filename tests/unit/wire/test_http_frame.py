"""What is read of an outgoing message, and the headers that follow from it."""

from __future__ import annotations

import json

import pytest

from mcpool.wire.http_frame import VERSION_META_KEY, ParameterHeaders, headers_for, read_frame

MODERN = "2026-07-28"
SCHEMA = {"type": "object", "properties": {"where": {"type": "string", "x-mcp-header": "Where"}}}


def line(method: str, params: dict[str, object] | None = None, *, version: str | None = None) -> bytes:
    meta = {"_meta": {VERSION_META_KEY: version}} if version else {}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), **meta}}).encode()


def headers(data: bytes, negotiated: str | None = None, parameters: ParameterHeaders | None = None) -> dict[str, str]:
    return headers_for(read_frame(data, len(data)), negotiated, parameters or ParameterHeaders())


def test_before_a_version_is_known_no_header_is_sent() -> None:
    assert headers(line("tools/list")) == {}


def test_after_the_handshake_its_version_is_sent() -> None:
    assert headers(line("tools/list"), "2025-06-18") == {"mcp-protocol-version": "2025-06-18"}


def test_a_new_handshake_does_not_carry_the_version_of_the_last() -> None:
    assert headers(line("initialize"), "2025-06-18") == {}


def test_the_messages_own_stamp_wins() -> None:
    sent = headers(line("server/discover", version=MODERN), "2025-06-18")
    assert sent == {"mcp-protocol-version": MODERN, "mcp-method": "server/discover"}


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/call", {"name": "echo"}, "echo"),
        ("prompts/get", {"name": "p"}, "p"),
        ("resources/read", {"uri": "file:///a"}, "file:///a"),
        ("tasks/get", {"taskId": "t1"}, "t1"),
        ("tools/call", {"name": "grün"}, "=?base64?Z3LDvG4=?="),
    ],
)
def test_the_name_that_a_method_bears_becomes_a_header(method: str, params: dict[str, object], name: str) -> None:
    assert headers(line(method, params, version=MODERN))["mcp-name"] == name


def test_marked_arguments_become_headers_only_where_present() -> None:
    parameters = ParameterHeaders()
    parameters.learn("go", SCHEMA)
    with_it = headers(
        line("tools/call", {"name": "go", "arguments": {"where": "up"}}, version=MODERN), None, parameters
    )
    without = headers(line("tools/call", {"name": "go", "arguments": {}}, version=MODERN), None, parameters)
    assert with_it["Mcp-Param-Where"] == "up"
    assert "Mcp-Param-Where" not in without


def test_a_tool_whose_annotations_become_invalid_mirrors_nothing_any_more() -> None:
    parameters = ParameterHeaders()
    parameters.learn("go", SCHEMA)
    parameters.learn("go", {"type": "object", "properties": {"where": {"type": "number", "x-mcp-header": "Where"}}})
    assert parameters.of("go", {"where": "up"}) == {}


def test_a_message_with_lone_surrogates_is_still_read() -> None:
    frame = read_frame(b'{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"\\ud800"}}', 1)
    assert (frame.id, frame.method) == ("7", "tools/call")


def test_a_cancellation_names_the_request_it_withdraws() -> None:
    frame = read_frame(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}', 1)
    assert (frame.cancels, frame.is_request) == (5, False)


@pytest.mark.parametrize("data", [b"[]", b"1", b"{"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_frame(data, 1)
