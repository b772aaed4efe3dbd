"""Params, one level deep: what was looked at is what goes out.

A legal body may hold line breaks between tokens and the same key twice. `split` settles both at the level that
decisions look at; whatever is then sent is put together again from its parts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from mcpool.wire.envelope import encode_json, is_utf8, one_line

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_value = msgspec.json.Decoder(Raw).decode


def split(raw: bytes) -> dict[str, Raw]:
    """The members of a JSON object, unread. Of a key that comes twice the last counts.

    Raises:
        ValueError: not one valid JSON object in UTF-8.
    """
    try:
        fields = _decode_fields(raw)
    except RecursionError as error:
        msg = "nested too deeply"
        raise ValueError(msg) from error
    if not is_utf8(raw):
        msg = "not valid UTF-8"
        raise ValueError(msg)
    return fields


def value(raw: bytes) -> Raw:
    """One JSON value, proven to be exactly that.

    Raises:
        ValueError: not one valid JSON value in UTF-8.
    """
    try:
        _decode_value(raw)
    except RecursionError as error:
        msg = "nested too deeply"
        raise ValueError(msg) from error
    if not is_utf8(raw):
        msg = "not valid UTF-8"
        raise ValueError(msg)
    return Raw(raw)


def join(fields: Mapping[str, bytes | Raw]) -> bytes:
    """A JSON object of these members, without CR or LF. Raw values are taken as proven, bytes are proven here.

    Raises:
        ValueError: a value is not one valid JSON value.
    """
    for part in fields.values():
        if part.__class__ is not Raw:
            fields = {name: part if isinstance(part, Raw) else value(part) for name, part in fields.items()}
            break
    return one_line(encode_json(fields if fields.__class__ is dict else dict(fields)))
