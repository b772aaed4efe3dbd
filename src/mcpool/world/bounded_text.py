"""Text for a model, made of what others wrote: on one line each, without markup of its own, and bounded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

LINE = 250
"""Characters of a description."""

FRAGMENT = 4096
"""Bytes of what a section says at a time, but for its first and last lines."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def one_line(text: str, most: int = LINE) -> str:
    """The first line of `text` that says something, shortened, without control characters and markup."""
    first = next((line for line in re.split(r"[\r\n\u2028\u2029]", text) if line.strip()), "")
    clean = " ".join(_CONTROL.sub(" ", first).split())
    if len(clean) > most:
        clean = clean[: most - 3].rstrip() + "..."
    return clean.translate(_MARKUP)


def fragment(tag: str, groups: Iterable[tuple[str, Iterable[str]]], most: int = FRAGMENT) -> str | None:
    """One fragment: groups of lines, each under its heading, as many as there is room for; None if there are none."""
    lines: list[str] = []
    room = most
    for heading, items in groups:
        entries = list(items)
        if not entries:
            continue
        lines.append(heading)
        room -= len(heading.encode()) + 1
        for number, entry in enumerate(entries):
            room -= len(entry.encode()) + 3
            if room < 0:
                lines.append(f"- ... {len(entries) - number} more are not listed")
                break
            lines.append(f"- {entry}")
    return None if not lines else "\n".join((f"<{tag}>", *lines, f"</{tag}>"))
