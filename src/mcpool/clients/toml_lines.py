"""Setting keys in a TOML text line by line: nothing but the lines of these keys is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcpool.clients.change import Change, Changes
from mcpool.config.locate_toml import TomlTable, toml_tables, whole_lines
from mcpool.config.merging import inline_value
from mcpool.config.problem import dotted

_Splice = tuple[int, int, str]


def change_lines(text: str, changes: Changes) -> str | None:
    """The text with the changes carried out; None if they take more than setting keys in tables with headers."""
    if changes.emptied or any(change.graft or change.remove for change in changes.entries):
        return None
    tables = toml_tables(text)
    splices: list[_Splice] = []
    missing: list[Change] = []
    for change in changes.entries:
        related = [table for table in tables if table.path[: len(change.path)] == change.path]
        own = [table for table in related if table.path == change.path]
        if not related:
            missing.append(change)
        elif len(own) == 1:
            splices += _set(text, own[0], [table for table in related if table is not own[0]], change)
        else:
            return None
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return appended(text, missing)


def appended(text: str, missing: Sequence[Change]) -> str:
    """With a table for each at the end, where it comes between nothing."""
    newline = _newline(text)
    for change in missing:
        lines = [f"[{dotted(change.path)}]", *(_pair(key, value) for key, value in change.put.items())]
        if text and not text.endswith("\n"):
            text += newline
        text += (newline if text.strip() else "") + newline.join(lines) + newline
    return text


def _set(text: str, own: TomlTable, inner: Sequence[TomlTable], change: Change) -> list[_Splice]:
    depth = len(change.path)
    replaced = change.drop | change.put.keys()
    gone = [(table.start, table.end) for table in inner if table.path[depth] in replaced]
    splices: list[_Splice] = []
    left: dict[str, object] = dict(change.put)
    last = _end_of_line(text, own.start)
    for path, start, end in own.pairs:
        key = str(path[depth])
        if key in left and len(path) == depth + 1:
            splices.append((start, end, _pair(key, left.pop(key))))
            last = _end_of_line(text, end)
        elif key in replaced:
            gone.append((start, end))
        else:
            last = _end_of_line(text, end)
    splices += [(*whole_lines(text, start, end), "") for start, end in gone]
    return [*splices, (last, last, _added(text, own, left))]


def _added(text: str, own: TomlTable, pairs: Mapping[str, object]) -> str:
    line = text.rfind("\n", 0, own.start) + 1
    indent = text[line : own.start]
    return "".join(f"{_newline(text)}{indent}{_pair(key, value)}" for key, value in pairs.items())


def _end_of_line(text: str, position: int) -> int:
    """Behind what stands on the line, before its end."""
    after = text.find("\n", position)
    if after < 0:
        return len(text)
    return after - (text[after - 1 : after] == "\r")


def _pair(key: str, value: object) -> str:
    return f"{dotted((key,))} = {inline_value(value).as_string()}"


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
