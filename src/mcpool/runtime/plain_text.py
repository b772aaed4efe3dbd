"""Words of servers and models, made fit to be put before a person: bounded, and without control characters. Pure."""

from __future__ import annotations

import json
from typing import Any, cast

MAX_ARGUMENTS = 20
"""Arguments that are shown; the others are counted."""
_MAX_VALUE = 240
_MAX_NAME = 64
_MAX_TEXT = 2000
_MAX_DECODED = 256 * 1024
"""Bytes of arguments beyond which they are shown as they are, since nobody would read them."""


def plain(text: str, limit: int) -> str:
    """At most `limit` characters of the text, in one line. What is left out is so in the middle, and counted.

    Characters that print nothing, or change how others are printed (controls, bidirectional overrides, zero width),
    are written as escapes, so that what is shown is what is there.
    """
    length = len(text)
    text = _shortened(text, limit, length)
    escaped = "".join(char if char.isprintable() else " " if char.isspace() else _escaped(char) for char in text)
    return _shortened(escaped, limit, length)


def plain_arguments(raw: bytes) -> str:
    """The arguments of a call for a person: each one of them, shortened, and every repeated key.

    A long value can hide nothing of another one; how many are left out is said.
    """
    pairs = _pairs(raw)
    if pairs is None:
        return plain(raw.decode("utf-8", "replace"), _MAX_VALUE)
    shown: list[str] = []
    size = 0
    for name, value in pairs[:MAX_ARGUMENTS]:
        part = f"{plain(_json(name), _MAX_NAME)}: {plain(_json(value), _MAX_VALUE)}"
        size += len(part)
        if size > _MAX_TEXT:
            break
        shown.append(part)
    if len(shown) < len(pairs):
        shown.append(f"... and {len(pairs) - len(shown)} more")
    return "{" + ", ".join(shown) + "}"


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written: what a server makes of a repeated key is not ours to guess."""


def _pairs(raw: bytes) -> _Pairs | None:
    if len(raw) > _MAX_DECODED:
        return None
    try:
        value: object = json.loads(raw, object_pairs_hook=_Pairs)
        _json(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, _Pairs) else None


def _json(value: object) -> str:
    if isinstance(value, _Pairs):
        return "{" + ", ".join(f"{_json(name)}: {_json(item)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, cast("list[object]", value))) + "]"
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str, limit: int, length: int) -> str:
    if len(text) <= limit:
        return text
    note = f" ... ({length} characters) ... "
    tail = limit // 4
    return text[: limit - tail - len(note)] + note + text[-tail:]


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
