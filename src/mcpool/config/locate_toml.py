"""Where the keys of a TOML document stand.

`tomllib` tells values, not places. This scanner tells places, not values: it trusts that `tomllib` has already
accepted the text, and follows table headers, dotted and quoted keys, inline tables and arrays.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from dataclasses import dataclass, field

from mcpool.config.problem import KeyPath

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


@dataclass(slots=True)
class TomlTable:
    """A table with a header of its own: from the header to the end of its last pair, as offsets into the text."""

    path: KeyPath
    start: int
    end: int
    pairs: list[tuple[KeyPath, int, int]] = field(default_factory=list[tuple[KeyPath, int, int]])
    """What stands in it: the path of each, and from where to where it goes."""


def toml_tables(text: str) -> list[TomlTable]:
    """The tables that have headers, in the order of the document."""
    scanner = _Scanner(text)
    with contextlib.suppress(RecursionError):
        scanner.document()
    return scanner.tables


def locate_toml(text: str) -> dict[KeyPath, int]:
    """The line (from 1) on which each key path of the document is first mentioned."""
    scanner = _Scanner(text)
    # Nested deeper than anybody writes: what was found so far will do.
    with contextlib.suppress(RecursionError):
        scanner.document()
    return scanner.lines


def whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the lines go that hold what is between two places."""
    after = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if after < 0 else after + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.here = 0
        self.lines: dict[KeyPath, int] = {}
        self.tables: list[TomlTable] = []
        self._counted_to = 0
        self._line = 1
        self._list_length: dict[KeyPath, int] = {}

    def document(self) -> None:
        prefix: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self.here >= len(self.text):
                return
            before = self.here
            if self.text.startswith("[[", self.here):
                prefix = self._header(2)
            elif self.text.startswith("[", self.here):
                prefix = self._header(1)
            else:
                path = self._pair(prefix)
                if self.tables:
                    end = len(self.text[: self.here].rstrip(" \t\r"))
                    self.tables[-1].pairs.append((path, before, end))
                    self.tables[-1].end = end
            if self.text.startswith("[", before):
                self.tables.append(TomlTable(prefix, before, self.here))
            if self.here == before:
                return

    def _header(self, brackets: int) -> KeyPath:
        line = self._line_here()
        self.here += brackets
        names = self._key()
        self.here += brackets
        path: KeyPath = ()
        for position, name in enumerate(names):
            path = (*path, name)
            self.lines.setdefault(path, line)
            if brackets == 2 and position == len(names) - 1:
                self._list_length[path] = self._list_length.get(path, 0) + 1
            if path in self._list_length:
                path = (*path, self._list_length[path] - 1)
                self.lines.setdefault(path, line)
        return path

    def _pair(self, prefix: KeyPath) -> KeyPath:
        line = self._line_here()
        path = prefix
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.here += 1
        self._value(path)
        return path

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            names.append(self._simple_key())
            self._skip(_SPACE)
            if not self.text.startswith(".", self.here):
                return names
            self.here += 1

    def _simple_key(self) -> str:
        token = self._string()
        if token is None:
            match = _BARE_KEY.match(self.text, self.here)
            self.here = match.end() if match else self.here
            return match.group() if match else ""
        if token.startswith("'"):
            return token[1:-1]
        return str(tomllib.loads(f"key = {token}")["key"])

    def _value(self, path: KeyPath) -> None:
        self._skip(_SPACE)
        if self._string() is not None:
            return
        opening = self.text[self.here : self.here + 1]
        if opening == "[":
            self._inside("]", path)
        elif opening == "{":
            self._inside("}", path)
        else:
            self._skip(_SCALAR)

    def _inside(self, closing: str, path: KeyPath) -> None:
        self.here += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self.here >= len(self.text):
                return
            if self.text[self.here] == closing:
                self.here += 1
                return
            before = self.here
            if closing == "]":
                self.lines.setdefault((*path, index), self._line_here())
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
            if self.text.startswith(",", self.here):
                self.here += 1
            if self.here == before:
                return

    def _string(self) -> str | None:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.here)
            if match:
                self.here = match.end()
                return match.group()
        return None

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.here)
        if match:
            self.here = match.end()

    def _line_here(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.here)
        self._counted_to = self.here
        return self._line
