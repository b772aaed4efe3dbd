"""Which row of the table of resending a failure belongs to."""

from __future__ import annotations

import pytest

from mcpool.backend.failures import MOST_THROTTLED, failure_of, wait_before_resending
from mcpool.backend.resend import Failure
from mcpool.errors import AuthRequired, MessageTooLarge, RpcError, ServerError
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.refused import http_refused


def http(status: int, **more: object) -> ServerError:
    return http_refused("fake", {"code": -32603, "message": f"HTTP {status}", "data": {"httpStatus": status, **more}})


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ConnectionLost("fake", "is gone", sent=True), Failure.LOST),
        (ConnectionLost("fake", "is gone", sent=False), Failure.UNSENT),
        (http(401), Failure.UNAUTHORIZED),
        (http(403), Failure.UNAUTHORIZED),
        (AuthRequired("fake", "wants somebody to sign in"), Failure.UNAUTHORIZED),
        (http(429, retryAfter="2"), Failure.THROTTLED),
        (http(503, retryAfter="0"), Failure.THROTTLED),
        (http(429), Failure.ANSWERED),
        (http(429, retryAfter="Wed, 21 Oct 2026 07:28:00 GMT"), Failure.ANSWERED),
        (http(503, retryAfter=str(MOST_THROTTLED + 1)), Failure.SERVER_ERROR),
        (http(500), Failure.SERVER_ERROR),
        (http(400), Failure.ANSWERED),
        (MessageTooLarge("fake", "too large"), Failure.ANSWERED),
        (RpcError("fake", -32603, "no"), Failure.ANSWERED),
    ],
)
def test_each_failure_has_its_row(error: ConnectionLost | ServerError, failure: Failure) -> None:
    """H4"""
    assert failure_of(error) is failure


def test_a_servers_own_error_is_an_answer_whatever_it_says_of_http() -> None:
    """Invariant 6: it ran, and only what the link itself saw proves otherwise."""
    error = RpcError("fake", -32603, "upstream", b'{"httpStatus":429,"retryAfter":"1"}')
    assert failure_of(error) is Failure.ANSWERED


def test_a_throttled_request_waits_as_long_as_the_server_says() -> None:
    assert wait_before_resending(http(429, retryAfter="2.5")) == 2.5
    assert wait_before_resending(ConnectionLost("fake", "is gone", sent=False)) == 0.0
