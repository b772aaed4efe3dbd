"""What is remembered of servers that ask."""

from __future__ import annotations

from mcpool.pool import habits
from mcpool.pool.habits import Asking, Habits


def test_the_worst_is_remembered_and_only_news_is_told() -> None:
    seen = Habits()
    assert seen.of("x") is Asking.NEVER
    assert seen.learn("x", Asking.UNASKED)
    assert not seen.learn("x", Asking.WITHIN_CALLS)
    assert seen.of("x") is Asking.UNASKED


def test_what_asked_longest_ago_is_forgotten_first() -> None:
    seen = Habits()
    seen.learn("first", Asking.UNASKED)
    for number in range(habits.REMEMBERED):
        seen.learn(number, Asking.WITHIN_CALLS)
    assert seen.of("first") is Asking.NEVER
