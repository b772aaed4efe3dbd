"""What is done to a client's configuration, as values: independent of how its file is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import cast

from mcpool.config.problem import KeyPath, dotted
from mcpool.config.table import Table, as_table
from mcpool.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Change:
    """One entry set, brought back or removed."""

    path: KeyPath
    put: Table = field(default_factory=dict[str, object])
    """Keys to set in it. An entry that is not there is made of these."""
    drop: frozenset[str] = frozenset()
    """Keys to take out of it."""
    graft: bool = False
    """Begin with the entry as the original has it, instead of as it is now."""
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is done to one file. `emptied` are tables that go if they are empty in the end."""

    entries: Sequence[Change]
    original: str = ""
    """The text that grafted entries come from."""
    emptied: Sequence[KeyPath] = ()


def look_up(data: object, path: KeyPath) -> object:
    """The value at a path, None if there is none."""
    for part in path:
        table = as_table(data)
        if table is None:
            return None
        data = table.get(str(part))
    return data


def carried_out(data: Table, changes: Changes, original: Table) -> dict[str, object]:
    """The data of the file after the changes: what whoever writes them is checked against.

    Raises:
        ConfigError: a table is something else.
    """
    result = deepcopy(dict(data))
    for change in changes.entries:
        container = _container(result, change.path[:-1])
        name = str(change.path[-1])
        if change.remove:
            container.pop(name, None)
            continue
        base = as_table(look_up(original, change.path) if change.graft else container.get(name)) or {}
        kept = {key: value for key, value in base.items() if key not in change.drop or key in change.put}
        container[name] = {**kept, **change.put}
    for path in sorted(changes.emptied, key=len, reverse=True):
        if look_up(result, path) == {}:
            cast("dict[str, object]", look_up(result, path[:-1])).pop(str(path[-1]))
    return result


def _container(data: dict[str, object], path: KeyPath) -> dict[str, object]:
    table = data
    for depth, part in enumerate(path):
        inner = table.setdefault(str(part), {})
        if not isinstance(inner, Mapping):
            raise ConfigError([f"`{dotted(path[: depth + 1])}` is not a table of servers; correct or remove it"])
        table = cast("dict[str, object]", inner)
    return table
