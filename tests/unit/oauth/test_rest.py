"""How long an issuer that could not answer is left alone."""

from __future__ import annotations

import pytest

from mcpool.oauth.rest import MOST, Rest


def pauses(times: int, wished: float | None = None) -> list[float]:
    rest, found = Rest(), list[float]()
    for _ in range(times):
        rest = rest.after(100.0, "why", wished)
        found.append(rest.until - 100.0)
    return found


def test_after_the_first_failure_it_may_be_asked_again_and_then_more_and_more_seldom() -> None:
    assert pauses(9) == [0, 1, 2, 4, 8, 16, 32, MOST, MOST]


@pytest.mark.parametrize(("wished", "granted"), [(5.0, 5.0), (1e9, MOST), (None, 0.0)])
def test_what_it_wishes_is_granted_within_reason(wished: float | None, granted: float) -> None:
    assert pauses(1, wished) == [granted]
