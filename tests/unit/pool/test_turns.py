"""Whose turn is it at a server that asks (rules (d) to (f) of routing)."""

from __future__ import annotations

from mcpool.pool.turns import MOST_OVERFLOW, NO_MORE_AFTER_FAILURE, PATIENCE, Busy, Crowd, admits, overflow_due, place

FREE: Busy[str] = Busy(frozenset(), frozenset(), undecided=False)


def busy(*occupants: str, asked: tuple[str, ...] = (), undecided: bool = False) -> Busy[str]:
    return Busy(frozenset(occupants), frozenset(asked), undecided)


def crowd(
    *,
    since: float | None = 10.0,
    overflow: int = 0,
    starting: bool = False,
    last_started: float = 0.0,
    failed_at: float | None = None,
) -> Crowd:
    return Crowd(since, overflow, starting, last_started, failed_at)


def test_a_free_process_takes_whoever_comes_first() -> None:
    assert admits("a", FREE, others_wait=False)
    assert not admits("a", FREE, others_wait=True)


def test_a_process_at_work_for_another_thread_takes_nobody_else() -> None:
    assert not admits("a", busy("b"), others_wait=False)


def test_requests_of_our_own_keep_nobody() -> None:
    assert admits("a", Busy(frozenset({None, "a"}), frozenset(), undecided=False), others_wait=False)


def test_a_thread_goes_on_calling_until_another_waits() -> None:
    assert admits("a", busy("a"), others_wait=False)
    assert not admits("a", busy("a"), others_wait=True)


def test_a_thread_that_is_asked_may_call_although_others_wait() -> None:
    assert admits("a", busy("a", asked=("a",)), others_wait=True)


def test_while_it_is_not_certain_who_is_asked_nobody_is_let_in() -> None:
    assert not admits("a", busy("a", undecided=True), others_wait=False)


def test_the_process_that_works_for_a_thread_already_is_preferred_to_a_free_one() -> None:
    assert place("a", [FREE, busy("a")], others_wait=False) == 1
    assert place("b", [busy("a"), FREE], others_wait=False) == 1
    assert place("b", [busy("a"), busy("c")], others_wait=False) is None


def test_another_process_is_wanted_when_somebody_waited_long_enough() -> None:
    assert overflow_due(crowd(since=None)) is None
    assert overflow_due(crowd(since=10.0)) == 10.0 + PATIENCE


def test_the_next_is_wanted_only_when_the_last_one_did_not_help() -> None:
    assert overflow_due(crowd(starting=True)) is None
    assert overflow_due(crowd(last_started=11.5)) == 11.5 + PATIENCE


def test_there_is_a_limit_and_a_rest_after_a_failure() -> None:
    assert overflow_due(crowd(overflow=MOST_OVERFLOW)) is None
    assert overflow_due(crowd(failed_at=11.0)) == 11.0 + NO_MORE_AFTER_FAILURE
