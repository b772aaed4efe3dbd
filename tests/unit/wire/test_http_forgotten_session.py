"""By what a server says that it does not know our session any more."""

from __future__ import annotations

import pytest

from mcpool.wire.http_error import forgets_session

OURS = {"mcp-session-id": "s1"}
NO_SESSION = (
    b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}'
)


def test_404_says_so_whatever_else_it_says() -> None:
    assert forgets_session(404, OURS)


@pytest.mark.parametrize(
    "body",
    [
        NO_SESSION,
        b"Bad Request: No valid session ID provided",
        b"Invalid or missing session ID",
        b'{"error":"unknown session"}',
        b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}',
    ],
)
def test_400_says_so_with_a_sentence_on_sessions_that_answers_no_request(body: bytes) -> None:
    """As servers do that were made after the examples of the TypeScript SDK."""
    assert forgets_session(400, OURS, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Bad Request",
        b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"Unsupported protocol version"},"id":null}',
        b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"no such session"},"id":7}',
        b"obsessions",
    ],
)
def test_another_400_is_an_answer(body: bytes) -> None:
    assert not forgets_session(400, OURS, body)


@pytest.mark.parametrize("status", [401, 403, 409, 410, 500, 503])
def test_no_other_status_says_so(status: int) -> None:
    assert not forgets_session(status, OURS, NO_SESSION)


@pytest.mark.parametrize("status", [400, 404])
def test_who_sent_no_session_has_none_to_lose(status: int) -> None:
    assert not forgets_session(status, {}, NO_SESSION)
