"""Words that are not ours on a terminal."""

from __future__ import annotations

import io

import pytest

from mcpool.cli.progress_view import ProgressView
from mcpool.cli.screen import Screen
from mcpool.cli.warm_up import Progress
from mcpool.cli.words import harmless, say

EVIL = "\x1b]0;title\x07\x1b[31mred\x1b[0m"


class Terminal(io.StringIO):
    """What says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nand more", "plain\ttext\nand more"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x1b[2J\x1b[H", "?[2J?[H"),
        ("\rover", "?over"),
        ("\x9b2J", "?2J"),
        ("sure\u202eon\u2066", "sure?on?"),
        ("a\u2028b", "a?b"),
        ("half \ud800", "half ?"),
        ("\u05e9\u05dc\u05d5\u05dd na\u00efve \U0001f600", "\u05e9\u05dc\u05d5\u05dd na\u00efve \U0001f600"),
    ],
)
def test_no_server_steers_the_terminal(text: str, shown: str):
    assert harmless(text) == harmless(text, colours=True) == shown


def test_colours_stay_only_where_they_are_wanted():
    assert harmless("\x1b[31mred\x1b[0m") == "red"
    assert harmless("\x1b[31mred\x1b[0m", colours=True) == "\x1b[31mred\x1b[0m"


def test_a_terminal_gets_what_cannot_steer_it() -> None:
    stream = Terminal()
    say(EVIL, stream)
    assert stream.getvalue() == "?]0;title?red"


def test_a_pipe_gets_everything_as_it_is() -> None:
    stream = io.StringIO()
    say(EVIL, stream)
    assert stream.getvalue() == EVIL


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_a_screen_without_rich_shows_nothing_that_steers(kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = kind()
    screen = Screen(stream)
    screen.line(EVIL)
    screen.table(("what",), [(EVIL,)])
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("?]0;title?red") == 2


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_why_a_server_does_not_start_steers_no_terminal(term: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", term)
    stream = Terminal()
    with ProgressView(Screen(stream)) as view:
        view.report(Progress("odd", "failed", seconds=1.0, error=EVIL))
    assert "?]0;title?red" in stream.getvalue()
    assert "\x1b]0;" not in stream.getvalue()
