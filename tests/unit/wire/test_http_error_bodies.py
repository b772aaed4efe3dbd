"""Which bodies of an HTTP error are the server's own answer, and which are a gateway's on the way."""

from __future__ import annotations

import pytest

from mcpool.wire.http_error import error_message


def test_a_json_rpc_error_is_the_servers_answer() -> None:
    assert error_message(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}') is not None


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"<html>",
        b'{"error":"upstream timeout"}',
        b'{"error":{"code":"timeout"}}',
        b'{"jsonrpc":"2.0","error":"timeout"}',
        b'{"jsonrpc":"2.0","error":{"code":"timeout"}}',
    ],
)
def test_what_a_gateway_says_is_no_answer_of_the_server(body: bytes | None) -> None:
    assert error_message(body) is None
