"""Looking at values of unknown type without losing type safety."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

Table = Mapping[str, object]


def as_table(value: object) -> Table | None:
    """The value if it is a mapping with text keys only."""
    if not isinstance(value, Mapping):
        return None
    mapping = cast("Mapping[object, object]", value)
    if not all(isinstance(key, str) for key in mapping):
        return None
    return cast("Table", mapping)


def as_list(value: object) -> list[object] | None:
    """The value as a list if it is a list or tuple."""
    if isinstance(value, list | tuple):
        return list(cast("list[object] | tuple[object, ...]", value))
    return None


def kind(value: object) -> str:
    """What a value is, in the words of someone who writes TOML or JSON. Never shows the value: it may be a secret."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else f"a {type(value).__name__}"
