"""Reading clients' messages strictly, and writing ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.failure import Failure
from mcpool.gateway.message import (
    Message,
    decode,
    error_message,
    error_of,
    key_of,
    members,
    notification_message,
    request_message,
    result_message,
    text_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.binary())
def test_any_bytes_are_a_message_or_a_failure(body: bytes) -> None:
    assert _refused(body) in (None, -32700, -32600)


def _refused(body: bytes) -> int | None:
    try:
        decode(body, 10)
    except Failure as failure:
        return failure.code
    return None


@given(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), JSON))
def test_any_object_is_a_message_or_a_failure(value: dict[str, object]) -> None:
    try:
        message = decode(json.dumps(value).encode())
    except Failure:
        return
    assert isinstance(message, Message)
    assert value["jsonrpc"] == "2.0"


@pytest.mark.parametrize("raw", [b"1", b"-7", b'"a"', b'""', b"123456789012345678901234567890"])
def test_ids_are_integers_and_strings(raw: bytes) -> None:
    assert key_of(raw, 100) == json.loads(raw)


@pytest.mark.parametrize("raw", [b"1.5", b"null", b"true", b"{}", b"[]", b'"' + b"x" * 200 + b'"'])
def test_anything_else_is_no_id(raw: bytes) -> None:
    with pytest.raises(Failure):
        key_of(raw, 100)


def test_integer_and_string_of_it_are_two_ids() -> None:
    assert key_of(b"7", 100) != key_of(b'"7"', 100)


def test_deep_nesting_is_a_failure_not_a_crash() -> None:
    for body in (b"[" * 200_000, b'{"params":' * 100_000):
        with pytest.raises(Failure):
            decode(body, 10)
    with pytest.raises(ValueError, match="deeply"):
        members(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@pytest.mark.parametrize(("raw", "text"), [(b'"a"', "a"), (b"1", None), (b"", None), (None, None), (b'"', None)])
def test_text_is_a_string_or_nothing(raw: bytes | None, text: str | None) -> None:
    assert text_of(raw) == text


def test_clients_error_is_read_or_replaced() -> None:
    message = decode(b'{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"m","data":[1]}}')
    assert isinstance(message, Message)
    assert error_of(message.error) == (3, "m", b"[1]")
    message = decode(b'{"jsonrpc":"2.0","id":1,"error":"broken"}')
    assert isinstance(message, Message)
    assert error_of(message.error)[0] == -32600


def test_messages_of_ours_are_one_line_each() -> None:
    raw = b'{"a":\r\n1}'
    written = [
        notification_message("n", raw),
        request_message(3, "m", raw),
        error_message(b"1", -1, "a\nb", raw),
        result_message(b"1", b"{}"),
        notification_message("n", None),
    ]
    assert [message.count(b"\n") + message.count(b"\r") for message in written] == [0] * 5
    assert json.loads(written[0])["params"] == {"a": 1}
    assert json.loads(written[2])["error"] == {"code": -1, "message": "a\nb", "data": {"a": 1}}
