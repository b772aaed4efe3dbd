"""Whose a message is that cannot be read as a whole: too large, too deep, or broken.

Only members at the top level of the object count, and only those that stand before its first or after its last nested
value: elsewhere an `id` may be anybody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_SCALAR = rb'(?:"(?:[^"\\]++|\\.)*+"|-?[0-9][0-9.eE+-]*|true|false|null)'
_MEMBER = re.compile(rb'\s*"(?P<key>[^"\\]*)"\s*:\s*(?P<value>' + _SCALAR + rb")\s*,")
_TRAILING = re.compile(rb'(?:,\s*"[^"\\]*"\s*:\s*(?:"[^"\\]*"|-?[0-9]+|true|false|null)\s*){1,8}+}\s*\Z')


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What is certain of a message. Nothing is if `spoken` is False: then it may not be JSON-RPC at all."""

    id: int | str | None
    method: bool
    """It has a method, so it is a request or notification of the server's and its id is the server's own."""
    spoken: bool


def salvage(head: bytes, tail: bytes) -> Salvaged:
    """Read what can be read of the two ends of a message (which may overlap)."""
    members = _leading(head) | _trailing(tail)
    id = members.get("id")
    return Salvaged(
        id if isinstance(id, int | str) and not isinstance(id, bool) else None,
        "method" in members,
        members.get("jsonrpc") == "2.0",
    )


def _leading(head: bytes) -> dict[str, object]:
    head = head.lstrip(b"\xef\xbb\xbf \t\r")
    if not head.startswith(b"{"):
        return {}
    members: dict[str, object] = {}
    position = 1
    while (match := _MEMBER.match(head, position)) is not None:
        members |= _decode(b'{"%b":%b}' % (match["key"], match["value"]))
        position = match.end()
    return members


def _trailing(tail: bytes) -> dict[str, object]:
    match = _TRAILING.search(tail)
    return {} if match is None else _decode(b"{" + match[0].lstrip(b","))


_object = msgspec.json.Decoder(dict[str, object])


def _decode(raw: bytes) -> dict[str, object]:
    try:
        return _object.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
