"""Finding tools by words: BM25 over what their definitions say. Pure.

Robertson, Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond (2009), with fields weighted by repetition.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

_K1 = 1.2
_B = 0.75
_NAME, _TITLE, _DESCRIPTION, _ARGUMENT = 4, 3, 1, 1
"""How many times a word counts, by where it stands."""
_RUN = re.compile(r"[^\W_]+")
_BOUND = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DEPTH = 4
"""Levels of nested schemas whose property names count."""


@dataclass(frozen=True, slots=True)
class Document:
    """A tool, as it can be found: its words, and how often each counts."""

    words: Mapping[str, int]
    size: int


def document(spec: Mapping[str, Any]) -> Document:
    """What the definition of a tool says: name (its server's is part of it, where there are several), title,
    description, and the names of arguments."""
    words: Counter[str] = Counter()
    fields = ((spec.get("name"), _NAME), (_title(spec), _TITLE), (spec.get("description"), _DESCRIPTION))
    for text, weight in fields:
        if isinstance(text, str):
            words.update(_weighted(text, weight))
    for name in _properties(spec.get("inputSchema"), _DEPTH):
        words.update(_weighted(name, _ARGUMENT))
    return Document(words, sum(words.values()))


def _title(spec: Mapping[str, Any]) -> object:
    annotations = spec.get("annotations")
    if "title" in spec or not isinstance(annotations, dict):
        return spec.get("title")
    return cast(dict[str, Any], annotations).get("title")


def _weighted(text: str, weight: int) -> Counter[str]:
    return Counter({word: count * weight for word, count in Counter(words_of(text)).items()})


def words_of(text: str) -> list[str]:
    """The words of a text or of an identifier in any style, in lower case and without the `s` of a plural."""
    return [_singular(word.lower()) for run in _RUN.findall(text) for word in _BOUND.split(run)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _properties(schema: object, depth: int) -> Iterator[str]:
    if not isinstance(schema, dict) or depth == 0:
        return
    known = cast(dict[str, Any], schema)
    properties = known.get("properties")
    if isinstance(properties, dict):
        for name, inner in cast(dict[str, Any], properties).items():
            yield name
            yield from _properties(inner, depth - 1)
    yield from _properties(known.get("items"), depth - 1)


class Index:
    """Tools that can be searched. Immutable."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._postings: dict[str, list[int]] = {}
        for position, one in enumerate(documents):
            for word in one.words:
                self._postings.setdefault(word, []).append(position)
        self._average = sum(one.size for one in documents) / len(documents) if documents else 0.0

    def __len__(self) -> int:
        return len(self._documents)

    def find(self, query: str, limit: int) -> list[int]:
        """The positions of the best matches, best first; of equal ones the earlier first. A word also matches those
        that begin with it, for less."""
        scores: dict[int, float] = {}
        for word in dict.fromkeys(words_of(query)):
            for known, share in self._matches(word):
                positions = self._postings[known]
                rarity = math.log(1 + (len(self) - len(positions) + 0.5) / (len(positions) + 0.5))
                for position in positions:
                    scores[position] = scores.get(position, 0.0) + share * rarity * self._weight(position, known)
        best = sorted(scores, key=lambda position: (-scores[position], position))
        return best[:limit]

    def _matches(self, word: str) -> Iterable[tuple[str, float]]:
        if word in self._postings:
            yield word, 1.0
        if len(word) >= 3:
            for known in self._postings:
                if known != word and known.startswith(word):
                    yield known, 0.5

    def _weight(self, position: int, word: str) -> float:
        one = self._documents[position]
        count = one.words[word]
        return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * one.size / self._average))
