"""What an answer to the request for the general stream means, and how long to wait for the next attempt."""

from __future__ import annotations

import pytest

from mcpool.wire.http_general import AGAIN_AFTER, AGAIN_MOST, outlook, pause

STREAM = "text/event-stream"


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (200, STREAM, "open"),
        (200, "text/html", "never"),
        (204, "", "never"),
        (307, "", "elsewhere"),
        (400, "", "never"),
        (401, "", "again"),
        (405, "", "never"),
        (406, "", "never"),
        (409, "", "again"),
        (429, "", "again"),
        (500, "", "again"),
        (501, "", "never"),
        (503, STREAM, "again"),
    ],
)
def test_each_answer_has_its_meaning(status: int, kind: str, expected: str) -> None:
    assert outlook(status, kind) == expected


def test_attempts_that_bring_nothing_come_slower_and_slower_up_to_a_bound() -> None:
    pauses = [pause(fruitless) for fruitless in range(2000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pauses[1] == AGAIN_AFTER
    assert pauses[-1] == AGAIN_MOST
