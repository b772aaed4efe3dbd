"""JSON-RPC messages between the gateway and its clients: bodies in, envelopes out.

A client's body is read strictly: one that is not valid JSON in UTF-8 is refused, never guessed at. Only the envelope
is decoded; what it carries stays raw until somebody needs a value.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from mcpool.gateway.failure import Failure
from mcpool.wire.envelope import UNREADABLE, decode_error, encode_json, is_utf8, one_line, raw_id
from mcpool.wire.revisions import INVALID_REQUEST, PARSE_ERROR
from mcpool.wire.salvage import salvage

NULL: Final = b"null"
_ABSENT: Final = msgspec.Raw()

Key = int | str
"""A request id or progress token as a value: the same number or string, however it was written."""


class Message(msgspec.Struct, gc=False):
    """One message of a client. A field that was absent is empty."""

    jsonrpc: str = ""
    id: msgspec.Raw = _ABSENT
    method: str = ""
    params: msgspec.Raw = _ABSENT
    result: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT

    @property
    def is_request(self) -> bool:
        """It has a method and wants an answer."""
        return self.method != "" and bool(self.id)


_message = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(list[Message])
_key = msgspec.json.Decoder(Key)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


def decode(body: bytes, batch: int = 0) -> Message | list[Message]:
    """Read one message, or a list of at most `batch` of them where batches are allowed.

    Raises:
        Failure: it is no JSON (-32700), or no JSON-RPC message (-32600).
    """
    try:
        if not is_utf8(body):
            raise Failure(PARSE_ERROR, "not valid JSON: not valid UTF-8")
        if body.lstrip()[:1] == b"[":
            messages = _batch.decode(body)
            if not batch:
                raise Failure(INVALID_REQUEST, "batches are part of revision 2025-03-26 only: send one message")
            if not 0 < len(messages) <= batch:
                raise Failure(INVALID_REQUEST, f"a batch holds 1 to {batch} messages, this one {len(messages)}")
            for message in messages:
                _check(message)
            return messages
        message = _message.decode(body)
    except msgspec.ValidationError as error:
        raise Failure(INVALID_REQUEST, f"not a JSON-RPC message: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(PARSE_ERROR, f"not valid JSON: {_reason(error)}") from None
    _check(message)
    return message


def id_in(line: bytes) -> bytes:
    """The id of a request that `decode` refused, as far as it can be told: whoever sent it waits for an answer."""
    whose = salvage(line, line)
    return NULL if whose.id is None or not whose.method else raw_id(whose.id)


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _check(message: Message) -> None:
    if message.jsonrpc != "2.0":
        raise Failure(INVALID_REQUEST, 'not a JSON-RPC message: `jsonrpc` must be "2.0"')
    if not message.method:
        if not message.id or bool(message.result) == bool(message.error):
            raise Failure(INVALID_REQUEST, "not a JSON-RPC message: neither request, notification nor response")
    elif message.result or message.error:
        raise Failure(INVALID_REQUEST, "not a JSON-RPC message: both a request and a response")


def key_of(raw: msgspec.Raw | bytes, longest: int, what: str = "id") -> Key:
    """The value of an id or progress token.

    Raises:
        Failure: it is neither a string nor an integer, or longer than `longest` bytes.
    """
    if len(raw) > longest:
        raise Failure(INVALID_REQUEST, f"the {what} is longer than {longest} bytes")
    try:
        return _key.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise Failure(INVALID_REQUEST, f"the {what} must be a string or an integer") from None


def members(raw: msgspec.Raw | bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object of a client, one level decoded; its body was found to be UTF-8 already.

    Raises:
        ValueError: it is no object.
    """
    try:
        return _members.decode(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def text_of(raw: msgspec.Raw | bytes | None) -> str | None:
    """A raw JSON value as a string; None if it is absent or something else."""
    if not raw:
        return None
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def error_of(raw: msgspec.Raw) -> tuple[int, str, bytes | None]:
    """Code, message and raw data of a client's error answer."""
    try:
        error = decode_error(raw)
    except UNREADABLE:
        return INVALID_REQUEST, "the client answered with an error that cannot be read", None
    return error.code, error.message, None if error.data is msgspec.UNSET else bytes(error.data)


def value_of(raw: msgspec.Raw | bytes) -> object:
    """A raw JSON value of a client that has one meaning only: readers differ in which of equal names counts.

    Raises:
        ValueError: an object in it names a member twice, or it cannot be read.
    """
    try:
        return json.loads(bytes(raw), object_pairs_hook=_members_once)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _members_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a member twice")
    return found


def result_message(id_: bytes, result: bytes) -> bytes:
    """A response. Both parts are JSON without line breaks."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id_, result)


def error_message(id_: bytes, code: int, message: str, data: bytes | None = None) -> bytes:
    """An error response; `data` is raw JSON, of which line breaks between tokens are taken out."""
    tail = b"" if data is None else b',"data":' + one_line(data)
    return b'{"jsonrpc":"2.0","id":%b,"error":{"code":%d,"message":%b%b}}' % (
        id_,
        code,
        encode_json(message),
        tail,
    )


def failure_message(id_: bytes, failure: Failure) -> bytes:
    """The error response for a failure."""
    return error_message(id_, failure.code, failure.message, failure.data)


def notification_message(method: str, params: bytes | None) -> bytes:
    """A notification; line breaks between the tokens of `params` are taken out."""
    if params is None:
        return b'{"jsonrpc":"2.0","method":%b}' % encode_json(method)
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (encode_json(method), one_line(params))


def request_message(id_: int, method: str, params: bytes) -> bytes:
    """A request to the client; line breaks between the tokens of `params` are taken out."""
    return b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":%b}' % (id_, encode_json(method), one_line(params))
