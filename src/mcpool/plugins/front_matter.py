"""The head of a SKILL.md: the little of YAML that people write there. Pure.

Keys with a text, plain, quoted or as a block, are read; tables and lists are passed over. Texts that YAML would want
quoted (`description: Use it when: ...`) are taken as they are meant. No tags, anchors or references: nothing in a
head makes anything of another size than its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_FENCE = "---"
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*:(?:[ \t]+(.*))?")
_BLOCK = re.compile(r"([|>])[+-]?[1-9]?[+-]?(?:[ \t]+#.*)?")
_NESTED = re.compile(r"[ \t]*(?:-(?:[ \t]|$)|[A-Za-z_][A-Za-z0-9_-]*[ \t]*:(?:[ \t]|$))")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^']|'')*'", re.DOTALL),
}


def split(text: str) -> tuple[dict[str, str], str]:
    """The texts of the head by key, and what follows the head. Without a head there are none, and all follows.

    Raises:
        ValueError: the head has no end.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        return {}, text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in (_FENCE, "...")), None)
    if end is None:
        msg = f"its head begins with `{_FENCE}` and does not end"
        raise ValueError(msg)
    fields: dict[str, str] = {}
    for key, first, more in _entries(lines[1:end]):
        value = _value(first, more)
        if value is not None:
            fields.setdefault(key, value)
    return fields, "\n".join(lines[end + 1 :]).strip("\n")


def _entries(lines: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Each key with the rest of its line, and the lines that belong to it."""
    current: tuple[str, str, list[str]] | None = None
    for line in lines:
        key = _KEY.fullmatch(line)
        if key is not None:
            if current is not None:
                yield current
            current = (key[1], (key[2] or "").strip(), [])
        elif current is not None:
            current[2].append(line)
    if current is not None:
        yield current


def _value(first: str, more: Sequence[str]) -> str | None:
    block = _BLOCK.fullmatch(first)
    if block is not None:
        return _block(more, folded=block[1] == ">")
    if first[:1] in _QUOTED:
        quoted = _QUOTED[first[0]].match("\n".join((first, *(line.strip() for line in more))))
        return _unquoted(quoted[0]) if quoted is not None else None
    if first[:1] in ("{", "[", "&", "*", "!"):
        return None
    if not first and any(_NESTED.match(line) for line in more):
        return None
    words = (_COMMENT.sub("", line).strip() for line in (first, *more))
    return " ".join(word for word in words if word)


def _block(lines: Sequence[str], *, folded: bool) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    cut = [line[margin:].rstrip() for line in lines]
    if not folded:
        return "\n".join(cut).strip("\n")
    paragraphs = "\n".join(cut).split("\n\n")
    return "\n".join(" ".join(paragraph.split("\n")).strip() for paragraph in paragraphs).strip()


def _unquoted(text: str) -> str | None:
    inside = re.sub(r"[ \t]*\n[ \t]*", " ", text[1:-1])
    if text[0] == "'":
        return inside.replace("''", "'")
    try:
        value: object = json.loads(f'"{inside}"', strict=False)
    except ValueError:  # an escape that only YAML has
        return inside
    return value if isinstance(value, str) else None
