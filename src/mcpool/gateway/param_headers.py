"""`Mcp-Param-*`: arguments of a 2026-07-28 tool call that its headers repeat, so that intermediaries can route by them.

A tool names such arguments by `x-mcp-header` in its input schema. Header and argument must say the same, or an
intermediary would have decided on something that is not what is sent. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

from mcpool.gateway.failure import Failure
from mcpool.gateway.modern_envelope import decode_header
from mcpool.wire.revisions import HEADER_MISMATCH

KEYWORD: Final = "x-mcp-header"
_PREFIX: Final = "mcp-param-"
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TYPES: Final = ("string", "integer", "boolean")
_IN_ONE: Final = (
    "items",
    "contains",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
)
_IN_LIST: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_IN_MAP: Final = ("patternProperties", "dependentSchemas", "$defs", "definitions")

Schema = Mapping[str, Any]


class Declared(NamedTuple):
    """An argument by its path in the arguments, and the header that repeats it."""

    path: tuple[str, ...]
    header: str
    type: str


def declared(schema: object) -> tuple[Declared, ...]:
    """What a schema declares; nothing if any declaration is not as it must be, for then clients send no headers."""
    found: list[Declared] = []
    for path, part in _parts(schema):
        if KEYWORD not in part:
            continue
        token, kind = part[KEYWORD], part.get("type")
        if not path or not isinstance(token, str) or not token or not _TOKEN.issuperset(token) or kind not in _TYPES:
            return ()
        found.append(Declared(path, _PREFIX + token.lower(), kind))
    return tuple(found) if len({entry.header for entry in found}) == len(found) else ()


def check(entries: Iterable[Declared], arguments: object, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Compare headers and arguments.

    Raises:
        Failure: they do not say the same.
    """
    said: dict[str, bytes] = {}
    for raw, value in headers:
        name = raw.decode("latin-1")
        if name.startswith(_PREFIX):
            if name in said:
                raise Failure(HEADER_MISMATCH, f"the {name} header is there more than once")
            said[name] = value
    for entry in entries:
        if not _agree(entry, _value(arguments, entry.path), said.get(entry.header)):
            what = ".".join(entry.path)
            raise Failure(HEADER_MISMATCH, f"the {entry.header} header does not say what the argument `{what}` says")


def _agree(entry: Declared, value: object, header: bytes | None) -> bool:
    written = _written(value)
    if written is None or header is None:
        return written is None and header is None
    text = decode_header(header)
    if text is None:
        return False
    if entry.type == "integer" and isinstance(value, int | float) and not isinstance(value, bool):
        return _same_number(value, text)
    return text == written


def _written(value: object) -> str | None:
    """How a client writes the value; None for what it does not write."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        try:
            return str(value)
        except ValueError:
            return None
    return None


def _same_number(value: float, text: str) -> bool:
    whole, dot, fraction = text.partition(".")
    if not whole.removeprefix("-").isdecimal() or not whole.isascii() or (dot and set(fraction) != {"0"}):
        return text == str(value)
    try:
        return int(whole) == value
    except ValueError:
        return False


def _value(arguments: object, path: tuple[str, ...]) -> object:
    for key in path:
        if not isinstance(arguments, dict):
            return None
        arguments = cast("dict[str, object]", arguments).get(key)
    return arguments


def _parts(root: object) -> Iterator[tuple[tuple[str, ...] | None, Schema]]:
    """Every place of a schema that is a schema itself, with its path of properties; None where it has no such path."""
    waiting: list[tuple[tuple[str, ...] | None, object]] = [((), root)]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        schema = cast("dict[str, Any]", part)
        yield path, schema
        for name, inner in _entries(schema.get("properties")):
            waiting.append((None if path is None else (*path, name), inner))
        waiting.extend((None, schema[keyword]) for keyword in _IN_ONE if keyword in schema)
        for keyword in _IN_LIST:
            alternatives = schema.get(keyword)
            if isinstance(alternatives, list):
                waiting.extend((None, inner) for inner in cast("list[object]", alternatives))
        for keyword in _IN_MAP:
            waiting.extend((None, inner) for _, inner in _entries(schema.get(keyword)))


def _entries(value: object) -> Iterable[tuple[str, object]]:
    return cast("dict[str, object]", value).items() if isinstance(value, dict) else ()
