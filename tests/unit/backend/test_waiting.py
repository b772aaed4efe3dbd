"""The time that a request has left."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mcpool.backend.deadlines import Waiting
from mcpool.backend.holder import Holder
from mcpool.backend.questions import Questions


class Asked:
    """Questions that kept their owner for `total` seconds so far."""

    asked_ever = True
    total = 0.0

    def asked_time(self, owner: Holder, now: float) -> float:
        return self.total


@pytest.fixture
def asked() -> Asked:
    return Asked()


def clock(asked: Asked, *, timeout: float, now: float) -> Waiting:
    nothing = cast("Any", None)
    return Waiting.since(now, nothing, nothing, cast("Questions", asked), nothing, timeout, timeout)


def test_time_passes(asked: Asked) -> None:
    assert clock(asked, timeout=10.0, now=100.0).remaining(104.0) == 6.0


def test_time_in_which_its_thread_was_asked_does_not_count(asked: Asked) -> None:
    running = clock(asked, timeout=10.0, now=100.0)
    asked.total = 50.0
    assert running.remaining(152.0) == 8.0


def test_questions_before_the_call_are_not_its_own(asked: Asked) -> None:
    asked.total = 50.0
    assert clock(asked, timeout=10.0, now=100.0).remaining(104.0) == 6.0
