"""Text for a model, made of what others wrote: on one line each, without markup of its own, and bounded. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def shortened(line: str, most: int) -> str:
    """What `one_line` made, in at most so many characters, or nothing at all."""
    if len(line) <= most or most <= 3:
        return line if len(line) <= most else ""
    cut = line[: most - 3]
    entity = cut.rfind("&")
    if entity >= 0 and ";" not in cut[entity:]:
        cut = cut[:entity]
    return cut.rstrip() + "..."


Group = tuple[str, Sequence[str]]
"""A heading, and the lines under it."""


def fragment(tag: str, groups: Sequence[Group], most: int = FRAGMENT) -> str | None:
    """One fragment: groups of lines, each under its heading, as many as there is room for; None if there are none."""
    lines: list[str] = []
    for (heading, entries), fits in zip(groups, fitting(groups, most), strict=True):
        if entries:
            lines += [heading, *(f"- {entry}" for entry in entries[:fits])]
        if fits < len(entries):
            lines.append(f"- ... {len(entries) - fits} more are not listed")
    return None if not lines else "\n".join((f"<{tag}>", *lines, f"</{tag}>"))


def fitting(groups: Sequence[Group], most: int = FRAGMENT) -> list[int]:
    """How many lines of each group there is room for."""
    found: list[int] = []
    room = most
    for heading, entries in groups:
        room -= len(heading.encode()) + 1 if entries else 0
        fits = 0
        for entry in entries:
            room -= len(entry.encode()) + 3
            if room < 0:
                break
            fits += 1
        found.append(fits)
    return found
