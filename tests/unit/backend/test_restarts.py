"""The restart policy: at once after a death, slower and slower in vain, and never beyond the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.restarts import (
    FIRST_WAIT,
    HEALTHY_AFTER,
    MOST_WAIT,
    Budget,
    Ending,
    Restarts,
    after_ending,
    forgiven,
    why_open,
)

BUDGET = Budget(most=5, window=60.0)
NEARLY_ONE = 0.999_999


def waits(endings: list[Ending], budget: Budget = BUDGET, chance: float = NEARLY_ONE) -> list[float]:
    history, found = Restarts(), list[float]()
    for ending in endings:
        history = after_ending(history, budget, ending, chance)
        found.append(history.retry_at - ending.at)
    return found


def test_a_death_is_answered_at_once() -> None:
    assert waits([Ending(100.0, ready_for=10.0, served=True)]) == [0.0]
    assert waits([Ending(100.0, ready_for=0.1)]) == [0.0]


def test_deaths_of_servers_that_served_are_each_answered_at_once() -> None:
    assert waits([Ending(float(t), ready_for=1.0, served=True) for t in range(5)]) == [0.0] * 5


def test_starts_in_vain_wait_twice_as_long_each_time_up_to_the_cap() -> None:
    generous = Budget(most=100, window=60.0)
    found = waits([Ending(100.0 * t, ready_for=None) for t in range(9)], generous)
    assert found == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0], rel=1e-3)


def test_lives_in_which_nothing_was_served_wait_from_the_second_on() -> None:
    found = waits([Ending(100.0 * t, ready_for=0.1) for t in range(4)])
    assert found == pytest.approx([0.0, 0.5, 1.0, 2.0], rel=1e-3)


def test_a_wait_is_a_random_part_of_itself() -> None:
    assert waits([Ending(0.0, ready_for=None)], chance=0.25) == [FIRST_WAIT * 0.25]


def test_one_ending_more_than_the_budget_opens_the_circuit_for_its_window() -> None:
    history = Restarts()
    for t in range(6):
        assert not history.open
        history = after_ending(history, BUDGET, Ending(float(t), ready_for=0.5, served=True), 0.5)
    assert history.open
    assert history.retry_at == 65.0
    assert not history.admits(64.9)
    assert history.admits(65.0)


def test_without_any_budget_the_first_death_opens_it() -> None:
    assert after_ending(Restarts(), Budget(most=0), Ending(0.0, 1.0, served=True), 0.5).open


def test_a_probe_that_fails_keeps_it_open() -> None:
    history = after_ending(Restarts((0.0,), 3, 0.0, 50.0, open=True), BUDGET, Ending(51.0, ready_for=None), 0.5)
    assert history.open
    assert history.retry_at == 111.0


def test_a_probe_that_served_closes_it() -> None:
    history = after_ending(Restarts((0.0,), 3, 0.0, 50.0, open=True), BUDGET, Ending(55.0, 4.0, served=True), 0.5)
    assert not history.open


def test_a_healthy_minute_wipes_the_slate_clean() -> None:
    spoilt = Restarts((90.0, 95.0), 4, 90.0, 100.0, open=True)
    assert after_ending(spoilt, BUDGET, Ending(200.0, HEALTHY_AFTER), 0.5) == Restarts((200.0,), 1, 200.0, 200.0)


def test_where_attempts_cost_no_process_they_go_on_for_their_patience() -> None:
    patient = Budget(most=1, window=60.0, patience=30.0)
    history = Restarts()
    for t in (0.0, 10.0, 20.0, 29.9):
        history = after_ending(history, patient, Ending(t, ready_for=None), 0.5)
        assert not history.open
    assert after_ending(history, patient, Ending(30.0, ready_for=None), 0.5).open


def test_forgiveness_closes_it_and_makes_the_budget_whole() -> None:
    history = forgiven(Restarts((1.0, 2.0), 4, 1.0, 60.0, open=True), 10.0)
    assert history.admits(10.0)
    assert not after_ending(history, Budget(most=1), Ending(11.0, ready_for=None), 0.5).open


def test_the_reason_says_how_often_and_how_long() -> None:
    history = Restarts((1.0, 2.0, 3.0), 3, 1.0, 63.0, open=True)
    assert why_open(history, BUDGET, 11.0) == (
        "it ended or did not start 3 times within 60 s, and is not started again for another 52 s"
    )


LIVES = st.lists(
    st.tuples(
        st.one_of(st.none(), st.floats(0.0, 59.0)),
        st.booleans(),
        st.floats(0.0, 100.0),
        st.floats(0.0, 1.0, exclude_max=True),
    ),
    max_size=60,
)


@given(LIVES, st.integers(0, 6), st.floats(1.0, 120.0))
def test_no_history_has_more_endings_answered_than_the_budget_allows(
    lives: list[tuple[float | None, bool, float, float]], most: int, window: float
) -> None:
    """Invariant 9: over any window. An open circuit is answered by its probe alone, a window later."""
    budget = Budget(most, window)
    history, now, answered = Restarts(), 0.0, list[float]()
    for ready_for, served, late, chance in lives:
        now += ready_for or 0.0
        history = after_ending(history, budget, Ending(now, ready_for, served and ready_for is not None), chance)
        if history.open:
            assert history.retry_at == now + window
        else:
            assert now <= history.retry_at <= now + MOST_WAIT
            answered.append(now)
        now = history.retry_at + (late if late > 50.0 else 0.0)
        assert history.admits(now)
    for first, one_too_many in zip(answered, answered[most:], strict=False):
        assert one_too_many - first >= window * (1 - 1e-9)
