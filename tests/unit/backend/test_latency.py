"""Quantiles of recent requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.latency import Latencies, Latency, quantiles


def test_without_a_request_there_is_nothing_to_say():
    assert Latencies().quantiles() is None


@pytest.mark.parametrize(
    ("durations", "found"),
    [
        ([3.0], Latency(1, 3.0, 3.0, 3.0)),
        ([2.0, 1.0], Latency(2, 1.0, 2.0, 2.0)),
        ([float(number) for number in range(100, 0, -1)], Latency(100, 50.0, 95.0, 99.0)),
        ([float(number) for number in range(1, 201)], Latency(200, 100.0, 190.0, 198.0)),
    ],
)
def test_each_is_the_smallest_that_enough_of_them_do_not_exceed(durations: list[float], found: Latency):
    assert quantiles(durations) == found


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_they_rise_and_are_among_what_was_measured(durations: list[float]):
    found = quantiles(durations)
    assert found is not None
    assert min(durations) <= found.p50 <= found.p95 <= found.p99 <= max(durations)
    assert {found.p50, found.p95, found.p99} <= set(durations)


def test_only_the_last_ones_are_remembered():
    latencies = Latencies(kept=2)
    for seconds in (100.0, 1.0, 2.0):
        latencies.add(seconds)
    assert latencies.quantiles() == Latency(2, 1.0, 2.0, 2.0)
