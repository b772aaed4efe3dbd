"""Whose is a server's request (P7, invariant 7)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.routing import Decline, Deliver, Hold, route, settle

NOBODY: str | None = None


def test_a_request_that_names_its_call_is_that_callers() -> None:
    assert route("named", ["other", "third"]) == Deliver("named")


def test_the_only_waiting_caller_is_asked() -> None:
    assert route(None, ["only"]) == Deliver("only")


def test_a_question_for_nobody_is_declined_and_the_server_counts_as_one_that_asks_unasked() -> None:
    decision = route(NOBODY, [])
    assert isinstance(decision, Decline)
    assert decision.unasked
    assert "nobody can be asked" in decision.reason


def test_a_question_while_only_our_own_requests_are_under_way_is_nobodys() -> None:
    decision = route(NOBODY, [None])
    assert isinstance(decision, Decline)
    assert decision.unasked


def test_in_a_process_of_its_own_a_thread_is_asked_whatever_else_is_under_way() -> None:
    assert route(None, [], only="mine") == route(None, [None], only="mine") == Deliver("mine")


def test_in_a_process_of_its_own_a_thread_is_not_asked_what_may_be_for_one_that_was_beside_it() -> None:
    assert route(None, ["gone", "mine"], only="mine") == Hold()
    assert route(None, ["gone"], only="mine") == Deliver("gone")


def test_a_question_of_several_is_held() -> None:
    assert route(None, ["a", "b"]) == Hold()


def test_a_question_beside_a_request_of_our_own_is_held_until_that_is_answered() -> None:
    assert route(None, ["a", None]) == Hold()
    assert settle([["a"]]) == [Deliver("a")]


def test_a_held_question_is_the_last_ones_who_cannot_finish() -> None:
    assert settle([["a", "b", "c"]]) == [Hold()]
    assert settle([["b"]]) == [Deliver("b")]


def test_a_held_question_whose_cause_ended_is_declined() -> None:
    nobody: list[str] = []
    (decision,) = settle([nobody])
    assert isinstance(decision, Decline)


def test_with_as_many_questions_as_owners_the_newest_is_declined() -> None:
    first, second = settle([["a", "b"], ["a", "b"]])
    assert first == Hold()
    assert isinstance(second, Decline)
    assert "2 clients are waiting" in second.reason


def test_with_more_owners_than_questions_all_are_held() -> None:
    assert settle([["a", "b", "c"], ["a", "b", "c"]]) == [Hold(), Hold()]


@given(st.lists(st.lists(st.sampled_from([None, *"abcde"]), unique=True), max_size=8))
def test_what_is_still_held_can_drain_and_nobody_is_guessed(held: list[list[str | None]]) -> None:
    decisions = settle(held)
    for owners, decision in zip(held, decisions, strict=True):
        if isinstance(decision, Deliver):
            assert owners == [decision.owner]
    holding = [owners for owners, decision in zip(held, decisions, strict=True) if isinstance(decision, Hold)]
    assert len(holding) < len({owner for owners in holding for owner in owners}) or not holding
