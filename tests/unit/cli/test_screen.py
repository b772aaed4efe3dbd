"""Words that are not ours on a terminal."""

from __future__ import annotations

import pytest

from mcpool.cli.screen import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nand more", "plain\ttext\nand more"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x1b[2J\x1b[H", "?[2J?[H"),
        ("\rover", "?over"),
        ("\x9b2J", "?2J"),
    ],
)
def test_no_server_steers_the_terminal(text: str, shown: str):
    assert harmless(text) == harmless(text, colours=True) == shown


def test_colours_stay_only_where_they_are_wanted():
    assert harmless("\x1b[31mred\x1b[0m") == "red"
    assert harmless("\x1b[31mred\x1b[0m", colours=True) == "\x1b[31mred\x1b[0m"
