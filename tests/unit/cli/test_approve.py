"""An approval, asked on the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from mcpool.cli.approve import MARK, approval_in, ask_approval
from mcpool.threads import approval_form

ALL = ["once", "session", "always", "deny"]
PARAMS = {"message": "Allow demo to run `counter` with {}?"}


def ask(typed: str | None, choices: list[str]) -> tuple[dict[str, Any], str]:
    shown: list[str] = []

    def read(prompt: str) -> str:
        shown.append(prompt)
        if typed is None:
            raise EOFError
        return typed

    return ask_approval(PARAMS, {"choices": choices}, read=read, write=shown.append), "".join(shown)


def test_its_mark_is_that_of_the_daemon() -> None:
    assert MARK == approval_form.MARK


@pytest.mark.parametrize(
    ("typed", "decision"), [("y\n", "once"), ("YES\n", "once"), (" a \n", "always"), ("always\n", "always")]
)
def test_a_yes_is_one(typed: str, decision: str) -> None:
    assert ask(typed, ALL)[0] == {"action": "accept", "content": {"decision": decision}}


@pytest.mark.parametrize("typed", ["\n", "n\n", "no\n", "session\n", "yep\n"])
def test_anything_else_is_a_no(typed: str) -> None:
    assert ask(typed, ALL)[0] == {"action": "decline"}


def test_the_end_of_input_leaves_the_question() -> None:
    assert ask(None, ALL)[0] == {"action": "cancel"}


def test_the_question_is_shown_with_what_is_offered() -> None:
    assert ask("y", ALL)[1] == "\nAllow demo to run `counter` with {}?\n  [y]es, [a]lways, [N]o: "
    answer, shown = ask("a", ["once", "session", "deny"])
    assert shown.endswith("\n  [y]es, [N]o: ")
    assert answer == {"action": "decline"}


@pytest.mark.parametrize("params", [{}, {"_meta": 3}, {"_meta": {}}, {"_meta": {MARK: "x"}}])
def test_a_question_without_the_mark_is_a_servers_own(params: dict[str, Any]) -> None:
    assert approval_in(params) is None
