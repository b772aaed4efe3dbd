"""What an answer means: the raw result, or the error that stands in its place."""

from __future__ import annotations

from msgspec import UNSET

from mcpool.errors import BadAnswer, RpcError
from mcpool.wire.envelope import UNREADABLE, Envelope, decode_error
from mcpool.wire.revisions import INVALID_REQUEST

AMBIGUOUS = "an answer with both a result and an error"

_SAMPLE = 200


def outcome(server: str, message: Envelope) -> bytes | RpcError:
    """What a call ends with. A null beside the other member counts as absent; of two real ones the error stands."""
    result = None if message.result is UNSET else bytes(message.result)
    error = None if message.error is UNSET else bytes(message.error)
    if error is not None and (error != b"null" or result is None):
        return _error(server, error)
    if result is None:
        return BadAnswer(server, INVALID_REQUEST, "the answer has neither a result nor an error")
    return result


def is_ambiguous(message: Envelope) -> bool:
    """Whether it says yes and no at once."""
    return (
        message.result is not UNSET
        and message.error is not UNSET
        and b"null" not in (bytes(message.result), bytes(message.error))
    )


def _error(server: str, raw: bytes) -> RpcError:
    try:
        body = decode_error(raw)
    except UNREADABLE:
        return BadAnswer(server, INVALID_REQUEST, f"the answer is an error of no known form: {raw[:_SAMPLE]!r}")
    return RpcError(server, body.code, body.message, None if body.data is UNSET else bytes(body.data))
