"""When a backend that nobody uses stops."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.pool.idling import LOOK_AGAIN, Use, seconds_until_stop

UNUSED = Use(leases=0, in_flight=0, last_used=100.0, idle_timeout=60.0, stop_when_unused=False)


@pytest.mark.parametrize(
    ("use", "now", "wait"),
    [
        (UNUSED, 100.0, 60.0),
        (UNUSED, 130.0, 30.0),
        (UNUSED, 160.0, 0.0),
        (UNUSED, 500.0, 0.0),
        (replace(UNUSED, leases=1), 500.0, None),
        (replace(UNUSED, leases=1, in_flight=1), 500.0, None),
        (replace(UNUSED, leases=1, stop_when_unused=True), 130.0, 30.0),
        (replace(UNUSED, in_flight=1), 500.0, 60.0),
        (replace(UNUSED, idle_timeout=0.0), 100.0, 0.0),
    ],
)
def test_how_long_it_waits(use: Use, now: float, wait: float | None) -> None:
    assert seconds_until_stop(use, now) == wait


@given(
    st.builds(
        Use,
        leases=st.integers(0, 5),
        in_flight=st.integers(1, 5),
        last_used=st.floats(0, 1e6),
        idle_timeout=st.floats(0, 1e4),
        stop_when_unused=st.booleans(),
    ),
    st.floats(0, 1e7),
)
def test_a_request_in_flight_always_keeps_it(use: Use, now: float) -> None:
    wait = seconds_until_stop(use, now)
    assert wait is None or wait >= LOOK_AGAIN
