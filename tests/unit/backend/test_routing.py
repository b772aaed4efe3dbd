"""Whose is a server's request."""

from __future__ import annotations

import pytest

from mcpool.backend.routing import Decline, Deliver, route


def test_a_request_that_names_its_call_is_that_callers() -> None:
    assert route("named", ["other", "third"]) == Deliver("named")


def test_the_only_waiting_caller_is_asked() -> None:
    assert route(None, ["only"]) == Deliver("only")


@pytest.mark.parametrize(
    ("waiting", "words"), [([], "nobody can be asked"), (["a", "b", "c"], "3 clients are waiting")]
)
def test_where_it_is_not_certain_nobody_is_asked_and_the_server_is_told_why(waiting: list[str], words: str) -> None:
    decision = route(None, waiting)
    assert isinstance(decision, Decline)
    assert words in decision.reason
