"""Merging two changes of one text, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

_MOST_LINES = 20_000
_Lines = list[str]


def merged(base: str, one: str, other: str) -> str | None:
    """`base` with what `one` and `other` changed in it; None if both changed the same place, or it is too long."""
    texts = [text.splitlines(keepends=True) for text in (base, one, other)]
    if max(map(len, texts)) > _MOST_LINES:
        return None
    result: list[str] = []
    for old, mine, theirs in _regions(*texts):
        if mine in (old, theirs):
            result += theirs
        elif theirs == old:
            result += mine
        elif (at := _inside(old, mine)) is not None:
            result += [*mine[:at], *theirs, *mine[at + len(old) :]]  # `one` only added beside it
        else:
            return None
    return "".join(result)


def _regions(base: _Lines, one: _Lines, other: _Lines) -> Iterator[tuple[_Lines, _Lines, _Lines]]:
    """The texts in pieces that belong together: those that are the same in all of them, and what is between these."""
    at_base = at_one = at_other = 0
    for start, end, in_one, in_other in _common(base, one, other):
        yield base[at_base:start], one[at_one:in_one], other[at_other:in_other]
        same = base[start:end]
        yield same, same, same
        at_base, at_one, at_other = end, in_one + len(same), in_other + len(same)
    yield base[at_base:], one[at_one:], other[at_other:]


def _inside(part: _Lines, whole: _Lines) -> int | None:
    places = range(len(whole) - len(part) + 1) if part else ()
    return next((at for at in places if whole[at : at + len(part)] == part), None)


def _common(base: _Lines, one: _Lines, other: _Lines) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines of `base`, from start to end, that both others have, and where these begin there."""
    first = SequenceMatcher(None, base, one).get_matching_blocks()
    second = SequenceMatcher(None, base, other).get_matching_blocks()
    i = j = 0
    while i < len(first) and j < len(second):
        a, b = first[i], second[j]
        start, end = max(a.a, b.a), min(a.a + a.size, b.a + b.size)
        if start < end:
            yield start, end, a.b + start - a.a, b.b + start - b.a
        if a.a + a.size < b.a + b.size:
            i += 1
        else:
            j += 1
