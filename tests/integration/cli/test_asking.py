"""`mcpool call` on a terminal: what servers ask there, and what they show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support import questioner
from support.mcpool_home import McpoolHome
from support.terminal import Terminal


@pytest.fixture
def mcpool(home: Path) -> Iterator[McpoolHome]:
    config = f"""\
[daemon]
port = 0

[mcp_servers.asks]
command = "{sys.executable}"
args = ["{questioner.__file__}"]

[mcp_servers.asks_briefly]
command = "{sys.executable}"
args = ["{questioner.__file__}", "briefly"]
question_timeout_sec = 1
"""
    with closing(McpoolHome(home, config=config)) as mcpool:
        yield mcpool


@pytest.fixture
def calls(mcpool: McpoolHome) -> Iterator[Callable[..., Terminal]]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(
            closing(Terminal("call", *arguments, "{}", environ=mcpool.environ))
        )


def test_what_a_person_types_is_the_answer(calls: Callable[..., Terminal]) -> None:
    terminal = calls("asks", "ask")
    shown = terminal.read_until(r"Who\? \(optional\): ")
    assert "\n`asks` asks:\n  Who?\n" in shown
    terminal.types("Ada\n")
    assert terminal.ends() == 0
    assert '{"action": "accept", "content": {"name": "Ada"}}' in terminal.shown


def test_a_question_that_nobody_answers_ends_in_time_and_the_call_goes_on(calls: Callable[..., Terminal]) -> None:
    terminal = calls("asks_briefly", "ask")
    terminal.read_until(r"Who\? \(optional\): ")
    terminal.types("half an answ")
    assert terminal.ends() == 0
    assert "the question was withdrawn" in terminal.shown
    assert "nobody answered within 1 s" in terminal.shown


def test_a_question_of_a_server_that_dies_is_left(calls: Callable[..., Terminal]) -> None:
    terminal = calls("asks", "die")
    assert terminal.ends() == 4
    assert "may or may not have run" in terminal.shown


def test_no_server_steers_the_terminal(calls: Callable[..., Terminal]) -> None:
    terminal = calls("asks", "evil")
    terminal.read_until(r"Who\?.* \(optional\): ")
    terminal.types("Ada\n")
    terminal.ends()
    for what in ("log", "progress", "Who?", "result"):
        assert f"{what}?]0;stolen??[2J?" in terminal.shown
    assert "\x1b]0;" not in terminal.shown
    assert "\u202e" not in terminal.shown


def test_a_pipe_gets_what_the_server_says(mcpool: McpoolHome) -> None:
    done = mcpool.run("call", "asks", "evil", "{}")
    assert f"result{questioner.EVIL}" in done.stdout
