"""Where the values of a JSON text stand, comments and all. Trusts that the text was read as JSONC already."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"/]+', re.DOTALL
)
_Token = tuple[str, int, int]


@dataclass(slots=True)
class Node:
    """One value: from `start` to `end` of the text."""

    start: int
    end: int = 0
    members: list[Member] | None = None
    """What is in it, if it is an object."""
    has_comments: bool = False

    def find(self, path: tuple[str | int, ...]) -> Node | None:
        """The value at a path of keys; of a key that is written twice the last one, which is the one that counts."""
        node: Node | None = self
        for key in path:
            member = None if node is None else node.member(key)
            node = None if member is None else member.value
        return node

    def member(self, key: str | int) -> Member | None:
        """The last member of that name."""
        return next((member for member in reversed(self.members or ()) if member.key == key), None)


@dataclass(slots=True)
class Member:
    """A key and its value. `comma` is where the comma after it ends, None if there is none."""

    key: str
    start: int
    value: Node = field(default_factory=lambda: Node(0))
    comma: int | None = None


def json_tree(text: str) -> Node:
    """The value of the whole text, which may begin with a byte order mark."""
    tokens = _tokens(text)
    first = next(tokens, None)
    return Node(len(text), len(text)) if first is None else _value(first, tokens, [])


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        yield "/" if match["comment"] else match[0], match.start(), match.end()


def _value(token: _Token, tokens: Iterator[_Token], around: list[Node]) -> Node:
    while token[0] == "/":
        _note(around)
        token = next(tokens, ("", token[2], token[2]))
    opening, start, end = token
    if opening == "{":
        return _object(start, tokens, around)
    if opening == "[":
        return _list(start, tokens, around)
    return Node(start, end)


def _object(start: int, tokens: Iterator[_Token], around: list[Node]) -> Node:
    members: list[Member] = []
    node = Node(start, members=members)
    inside = [*around, node]
    member: Member | None = None
    for token in tokens:
        text, at, end = token
        if text == "}":
            node.end = end
            return node
        if text == "/":
            _note(inside)
        elif text == ",":
            if member is not None:
                member.comma = end
            member = None
        elif text == ":":
            if member is not None:
                member.value = _value(next(tokens, ("", end, end)), tokens, inside)
        elif member is None:
            member = Member(_key(text), at)
            members.append(member)
    return node


def _list(start: int, tokens: Iterator[_Token], around: list[Node]) -> Node:
    node = Node(start)
    inside = [*around, node]
    for token in tokens:
        if token[0] == "]":
            node.end = token[2]
            return node
        if token[0] == "/":
            _note(inside)
        elif token[0] != ",":
            _value(token, tokens, inside)
    return node


def _note(around: list[Node]) -> None:
    for node in around:
        node.has_comments = True


def _key(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token
