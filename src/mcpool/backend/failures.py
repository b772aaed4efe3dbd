"""What became of a request that got no result, read from how it failed. Pure."""

from __future__ import annotations

from mcpool.backend.resend import Failure
from mcpool.errors import AuthRequired, CallTimeout, ServerError, ServerUnavailable
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.refused import HttpRefused

THROTTLED = frozenset({429, 503})
UNAUTHORIZED = frozenset({401, 403})
PASSING = frozenset({408, 425, 429})

GATEWAY_PAUSE = 1.0
"""Seconds that something on the way is given to reach the server again."""

MOST_THROTTLED = 30.0
"""Seconds that a server may ask us to stay away; one that asks for more is not asked again."""


def failure_of(error: ConnectionLost | ServerError) -> Failure:
    """The row of the table in `resend` that this failure belongs to."""
    if isinstance(error, ConnectionLost):
        return Failure.LOST if error.sent else Failure.UNSENT
    if isinstance(error, AuthRequired):
        return Failure.UNAUTHORIZED
    if not isinstance(error, HttpRefused):
        return Failure.ANSWERED
    if error.status in UNAUTHORIZED:
        return Failure.UNAUTHORIZED
    if error.status in THROTTLED and error.retry_after is not None and error.retry_after <= MOST_THROTTLED:
        return Failure.THROTTLED
    return Failure.SERVER_ERROR if error.status >= 500 or error.status == 408 else Failure.ANSWERED


def wait_before_resending(error: ConnectionLost | ServerError) -> float:
    """Seconds that the server wants to be left alone, or that a gateway is given to find it again."""
    if not isinstance(error, HttpRefused):
        return 0.0
    if error.retry_after is not None:
        return error.retry_after
    return GATEWAY_PAUSE if error.by_gateway else 0.0


def passes(error: ConnectionLost | ServerError) -> bool:
    """Whether the same request may fare better after a while, as long as the connection lives."""
    if isinstance(error, HttpRefused):
        return error.status in PASSING or error.status >= 500
    return isinstance(error, ConnectionLost | CallTimeout | ServerUnavailable) and not isinstance(error, AuthRequired)
