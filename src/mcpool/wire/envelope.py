"""The JSON-RPC envelope: the only part of a message that is read. Params, results and errors stay raw JSON."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

Id = int | str | float | None
Key = Id | UnsetType
"""An id, or the lack of one."""


class Envelope(Struct, gc=False):
    """One message as received. What it did not contain is `UNSET`; raw parts share the line's memory."""

    jsonrpc: str | UnsetType = UNSET
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class ErrorBody(Struct, gc=False):
    """The body of a JSON-RPC error."""

    code: int = -32603
    message: str = ""
    data: Raw | UnsetType = UNSET


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `decode` raises for a line that is not one well-formed envelope."""

decode = msgspec.json.Decoder(Envelope).decode
"""Read one line strictly. UTF-8 inside raw parts is not checked here: see `is_utf8`."""

decode_batch = msgspec.json.Decoder(list[Raw]).decode
decode_error = msgspec.json.Decoder(ErrorBody).decode
encode_json = msgspec.json.Encoder().encode

PIECE = 1 << 20
LF, CR = b"\n\r"
"""As numbers: a number is found in short bytes five times as fast as bytes are."""


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8, without ever holding more than a piece of them decoded."""
    if data.isascii():
        return True
    try:
        if len(data) <= PIECE:
            data.decode()
            return True
        start, end = 0, len(data)
        while start < end:
            stop = min(start + PIECE, end)
            while stop < end and stop > start and data[stop] & 0xC0 == 0x80:
                stop -= 1
            if stop == start:
                return False
            data[start:stop].decode()
            start = stop
    except UnicodeDecodeError:
        return False
    return True


def one_line(raw: bytes) -> bytes:
    """The same JSON without CR or LF, which valid JSON holds only between tokens."""
    if LF in raw or CR in raw:
        return raw.translate(_BREAKS_TO_SPACES)
    return raw


_BREAKS_TO_SPACES = bytes.maketrans(b"\r\n", b"  ")


@lru_cache(maxsize=256)
def request_head(method: str) -> bytes:
    """The part of a request between its id and its params."""
    return b',"method":' + encode_json(method)


def notification_line(method: str, params: bytes | None) -> bytes:
    """A notification, ready to be written."""
    if params is None:
        return b'{"jsonrpc":"2.0"%b}\n' % request_head(method)
    return b'{"jsonrpc":"2.0"%b,"params":%b}\n' % (request_head(method), one_line(params))


def result_line(id: bytes, result: bytes) -> bytes:
    """A successful answer, ready to be written."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (id, one_line(result))


def error_line(id: bytes, code: int, message: str, data: bytes | None) -> bytes:
    """A refusal, ready to be written."""
    tail = b"" if data is None else b',"data":' + one_line(data)
    return b'{"jsonrpc":"2.0","id":%b,"error":{"code":%d,"message":%b%b}}\n' % (id, code, encode_json(message), tail)


def raw_id(id: Id) -> bytes:
    """An id as JSON."""
    return b"%d" % id if isinstance(id, int) else encode_json(id)
