"""Changing a JSON text, comments and all, by as little as possible."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from mcpool.clients.change import Change, Changes
from mcpool.clients.json_style import Style, line_indent, own_line_indent
from mcpool.clients.json_tree import Member, Node, json_tree
from mcpool.config.problem import KeyPath

_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\n]*)?(?=\r?\n|\Z)")
_BLANKS = re.compile(r"[ \t]*")
_Splice = tuple[int, int, str]


def change_json(text: str, changes: Changes) -> str:
    """The text with the changes carried out. Trusts that it was read as JSONC, and that its tables are tables."""
    if not text.strip("\ufeff \t\r\n"):
        text += "{}\n"
    root = json_tree(text)
    style = Style.of(text, root)
    original = json_tree(changes.original)
    splices: list[_Splice] = []
    missing: list[Change] = []
    for change in changes.entries:
        node = root.find(change.path)
        if node is None:
            if not change.remove:
                missing.append(change)
        elif not change.remove:
            entry, written = text[node.start : node.end], original.find(change.path)
            if change.graft and written is not None:
                entry = changes.original[written.start : written.end]
            splices.append((node.start, node.end, _entry(entry, change, style, line_indent(text, node.start))))
    text = _spliced(text, [*splices, *_removals(text, root, [c.path for c in changes.entries if c.remove])])
    text = _with_missing(text, missing, style)
    for path in sorted(changes.emptied, key=len, reverse=True):
        root = json_tree(text)
        node = root.find(path)
        if node is not None and node.members == []:
            text = _spliced(text, _removals(text, root, [path]))
    return text


def _entry(text: str, change: Change, style: Style, indent: str) -> str:
    """The text of an entry with its keys set and dropped."""
    root = json_tree(text)
    members = root.members or []
    if not root.has_comments and all(member.key in change.drop or member.key in change.put for member in members):
        return style.render(change.put, indent) if change.put else text
    names = [member.key for member in members]
    splices = [
        (node.start, node.end, style.render(value, indent + style.unit))
        for key, value in change.put.items()
        if (node := root.find((key,))) is not None
    ]
    dropped = [(key,) for key in names if key in change.drop and key not in change.put]
    text = _spliced(text, [*splices, *_removals(text, root, dropped)])
    added = {key: value for key, value in change.put.items() if key not in names}
    return _inserted(text, (), added, style, indent)


def _with_missing(text: str, missing: Sequence[Change], style: Style) -> str:
    grouped: dict[KeyPath, dict[str, object]] = {}
    for change in missing:
        grouped.setdefault(change.path[:-1], {})[str(change.path[-1])] = dict(change.put)
    for container, entries in grouped.items():
        root = json_tree(text)
        depth = len(container)
        members: dict[str, object] = entries
        while root.find(container[:depth]) is None:
            depth -= 1
            members = {str(container[depth]): members}
        text = _inserted(text, container[:depth], members, style, None)
    return text


def _inserted(text: str, path: KeyPath, added: Mapping[str, object], style: Style, indent: str | None) -> str:
    """With members added at the end of the object at `path`. `indent` is that of its line, where the text lacks it."""
    if not added:
        return text
    node = json_tree(text).find(path)
    assert node is not None
    closing = node.end - 1
    end = closing - (len(text[:closing]) - len(text[:closing].rstrip()))  # behind the last thing inside, comments too
    last = node.members[-1] if node.members else None
    here = line_indent(text, node.start) if indent is None else indent
    inner = None if last is None else own_line_indent(text, last.start)
    on_lines = "\n" in text[node.start : node.end] or (last is None and not style.compact)
    if inner is None:
        inner = here + style.unit
    before = style.newline + inner if on_lines else (" " if last else "")
    written = [f"{json.dumps(key, ensure_ascii=False)}: {style.render(value, inner)}" for key, value in added.items()]
    joined = before + f",{before or ' '}".join(written)
    splices: list[_Splice] = []
    if last is not None and last.comma is None:
        splices.append((last.value.end, last.value.end, ","))
    if last is not None and last.comma is not None:
        joined += ","
    if on_lines and "\n" not in text[end:closing]:
        joined += style.newline + here
    return _spliced(text, [*splices, (end, end, joined)])


def _removals(text: str, root: Node, paths: Sequence[KeyPath]) -> list[_Splice]:
    by_container: dict[KeyPath, set[str]] = {}
    for path in paths:
        by_container.setdefault(path[:-1], set()).add(str(path[-1]))
    splices: list[_Splice] = []
    for container, names in by_container.items():
        node = root.find(container)
        if node is not None and node.members:
            splices += _removed(text, node.members, names)
    return splices


def _removed(text: str, members: Sequence[Member], names: set[str]) -> list[_Splice]:
    splices = [_span(text, member) for member in members if member.key in names]
    kept = [member for member in members if member.key not in names]
    if kept and kept[-1] is not members[-1] and members[-1].comma is None:
        # What is last now must have no comma behind it.
        last = kept[-1]
        if last.comma is not None:
            splices.append((last.comma - 1, last.comma, ""))
    return splices


def _span(text: str, member: Member) -> _Splice:
    end = member.value.end if member.comma is None else member.comma
    rest = _REST_OF_LINE.match(text, end)
    if rest and own_line_indent(text, member.start) is not None:
        start = text.rfind("\n", 0, member.start)
        return start - (text[start - 1 : start] == "\r"), rest.end(), ""
    blanks = _BLANKS.match(text, end)
    return member.start, blanks.end() if blanks and member.comma is not None else end, ""


def _spliced(text: str, splices: Sequence[_Splice]) -> str:
    pieces: list[str] = []
    here = 0
    for start, end, new in sorted(splices, key=lambda splice: splice[:2]):
        pieces += [text[here:start], new]
        here = max(here, end)
    return "".join([*pieces, text[here:]])
