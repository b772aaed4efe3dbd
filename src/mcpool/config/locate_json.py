"""Where the keys of a JSON document stand. Trusts that the JSON parser has already accepted the text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from mcpool.config.problem import KeyPath

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


@dataclass(slots=True)
class JsonPlaces:
    """The line of each key path, and the paths that are written more than once: the last one counts."""

    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    repeated: list[KeyPath] = field(default_factory=list[KeyPath])


@dataclass(slots=True)
class _Open:
    path: KeyPath
    is_list: bool
    index: int = 0
    key: str | None = None

    def value_path(self) -> KeyPath:
        return (*self.path, self.index if self.is_list else self.key or "")


def locate_json(text: str) -> JsonPlaces:
    """The line (from 1) of each key and list item of the document."""
    places = JsonPlaces()
    stack: list[_Open] = []
    line = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        top = stack[-1] if stack else None
        if token == "\n":
            line += 1
        elif token in "{[":
            path = top.value_path() if top else ()
            if top and top.is_list:
                places.lines[path] = line
            stack.append(_Open(path, token == "["))
        elif token in "}]":
            if stack:
                stack.pop()
        elif token == ",":
            if top:
                top.index += 1
                top.key = None
        elif token != ":" and top:
            if top.is_list:
                places.lines[top.value_path()] = line
            elif top.key is None:
                top.key = _key(token)
                path = top.value_path()
                if path in places.lines:
                    places.repeated.append(path)
                places.lines[path] = line
    # What stands in a repeated table only looks repeated: it is another table's.
    repeated = set(places.repeated)
    places.repeated = [path for path in places.repeated if not any(path[:n] in repeated for n in range(1, len(path)))]
    return places


def _key(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token
