"""Asking before something is changed."""

from __future__ import annotations

import sys

import pytest

from mcpool.cli.confirm import confirmed
from mcpool.errors import ConfigError


class Person:
    """Types these words, and then Ctrl-D."""

    def __init__(self, *words: str, there: bool = True) -> None:
        self.words = list(words)
        self.there = there

    def isatty(self) -> bool:
        return self.there

    def readline(self) -> str:
        return f"{self.words.pop()}\n" if self.words else ""


@pytest.mark.parametrize(
    ("words", "default", "agreed"),
    [
        (["y"], False, True),
        (["YES "], False, True),
        (["n"], True, False),
        (["what?"], True, False),
        ([""], True, True),
        ([""], False, False),
        ([], True, False),
    ],
)
def test_only_a_clear_yes_or_an_enter_that_means_it_agrees(
    monkeypatch: pytest.MonkeyPatch, words: list[str], default: bool, agreed: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Person(*words))
    assert confirmed("write it?", default=default, otherwise="say --yes") is agreed


def test_without_anybody_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Person(there=False))
    with pytest.raises(ConfigError, match="say --yes"):
        confirmed("write it?", default=True, otherwise="say --yes")
