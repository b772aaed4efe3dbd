"""How a JSON text is laid out, so that what is added looks like the rest."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from mcpool.clients.json_tree import Node
from mcpool.config.table import as_list, as_table

_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Style:
    """`unit` is one step of indentation, `newline` how lines end; `compact`: all of it stands on one line."""

    unit: str
    newline: str
    compact: bool

    @classmethod
    def of(cls, text: str, root: Node) -> Style:
        """That of a text; of an empty one the usual: two blanks."""
        unit = ""
        if root.members:
            unit = own_line_indent(text, root.members[0].start) or ""
        compact = bool(text.strip("\ufeff \t\r\n")) and "\n" not in text.strip()
        return cls(unit or "  ", "\r\n" if "\r\n" in text else "\n", compact and text.strip() != "{}")

    def render(self, value: object, indent: str) -> str:
        """A value as it is written at this indentation: lists on one line, tables with a line for each key."""
        table = as_table(value)
        if table is not None and table and not self.compact:
            inner = indent + self.unit
            lines = [f"{_text(key)}: {self.render(item, inner)}" for key, item in table.items()]
            between = f",{self.newline}{inner}"
            return f"{{{self.newline}{inner}{between.join(lines)}{self.newline}{indent}}}"
        if table is not None:
            return "{" + ", ".join(f"{_text(key)}: {self.render(item, indent)}" for key, item in table.items()) + "}"
        items = as_list(value)
        if items is not None:
            return "[" + ", ".join(self.render(item, indent) for item in items) + "]"
        return _text(value)


def own_line_indent(text: str, position: int) -> str | None:
    """The blanks before a position if only blanks stand before it on its line; None otherwise."""
    start = text.rfind("\n", 0, position) + 1
    before = text[start:position]
    return before if start and not before.strip(" \t") else None


def line_indent(text: str, position: int) -> str:
    """The blanks that the line of a position begins with."""
    start = text.rfind("\n", 0, position) + 1
    match = _INDENT.match(text, start)
    return match.group() if match else ""


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
