"""Quantities as people read them."""

from __future__ import annotations

import pytest

from mcpool.cli.units import duration, latency, size, soon


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (90_061, "1 d 1 h")],
)
def test_a_duration(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "within a second"), (1.0, "within a second"), (1.2, "in 2 s"), (119.5, "in 2 min")],
)
def test_a_moment_ahead_is_never_told_too_early(seconds: float, text: str):
    assert soon(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00004, "<0.1 ms"),
        (0.0004, "0.4 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (9.96, "10 s"),
        (75.4, "75 s"),
    ],
)
def test_a_latency_has_two_or_three_digits(seconds: float, text: str):
    assert latency(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 kB"), (812_000, "812 kB"), (999_600, "1 MB"), (43_400_000, "43 MB"), (1_240_000_000, "1.2 GB")],
)
def test_a_size(count: int, text: str):
    assert size(count) == text
