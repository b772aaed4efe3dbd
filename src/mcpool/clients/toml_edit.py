"""Changing a TOML text, comments and all, by as little as possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcpool.clients.change import Change, Changes
from mcpool.clients.toml_lines import appended, change_lines
from mcpool.config.merging import inline_value
from mcpool.config.table import as_table
from mcpool.errors import ConfigError


def change_toml(text: str, changes: Changes) -> Iterator[str]:
    """The text with the changes carried out, in different ways, the one that touches least first.

    Raises:
        ConfigError: it is written in a way that cannot be edited.
    """
    from tomlkit.exceptions import TOMLKitError

    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix("\ufeff")
    by_lines = change_lines(text, changes)
    if by_lines is not None:
        yield bom + by_lines
    for appending in (True, False):
        try:
            yield bom + _written(text, changes, appending=appending)
        except (TOMLKitError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            if not appending:
                msg = f"is written in a way that mcpool cannot edit ({error}); write it as [mcp_servers.NAME]"
                raise ConfigError([msg]) from error


def _written(text: str, changes: Changes, *, appending: bool) -> str:
    import tomlkit

    document: Any = tomlkit.parse(text)
    original: Any = tomlkit.parse(changes.original.removeprefix("\ufeff"))
    missing: list[Change] = []
    for change in changes.entries:
        servers, name = _found(document, change.path[:-1]), str(change.path[-1])
        if change.remove:
            if name in servers:
                del servers[name]
        elif name not in servers:
            missing.append(change)
        else:
            if change.graft:
                servers[name] = _found(original, change.path)
            _set(servers[name], change)
    if not appending:
        for change in missing:
            _found(document, change.path[:-1])[str(change.path[-1])] = inline_value(change.put)
    for path in changes.emptied:
        if path[0] in document and not _found(document, path):
            del _found(document, path[:-1])[path[-1]]
    result = str(tomlkit.dumps(document))
    return appended(result, missing) if appending else result


def _found(document: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        document = document.get(part, {})
    return document


def _set(table: Any, change: Change) -> None:
    for key in list(table):
        if key in change.drop and key not in change.put:
            del table[key]
    for key, value in change.put.items():
        if key in table and as_table(table[key]) is not None:
            del table[key]  # it may be a table of its own, further down
        table[key] = inline_value(value)
