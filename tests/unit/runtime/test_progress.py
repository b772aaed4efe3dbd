"""Progress for a callback."""

from __future__ import annotations

import pytest

from mcpool.runtime.progress import ProgressSink


def heard(method: str, params: bytes | None) -> list[tuple[float, float | None, str | None]]:
    calls: list[tuple[float, float | None, str | None]] = []
    ProgressSink(lambda done, total, message: calls.append((done, total, message))).on_notification(method, params)
    return calls


@pytest.mark.parametrize(
    ("params", "call"),
    [
        (b'{"progressToken":1,"progress":2,"total":4,"message":"half"}', (2.0, 4.0, "half")),
        (b'{"progressToken":1,"progress":0.5}', (0.5, None, None)),
    ],
)
def test_progress_is_handed_on(params: bytes, call: tuple[float, float | None, str | None]) -> None:
    assert heard("notifications/progress", params) == [call]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("notifications/message", b'{"progress":1}'),
        ("notifications/progress", None),
        ("notifications/progress", b'{"progress":"much"}'),
    ],
)
def test_anything_else_is_not(method: str, params: bytes | None) -> None:
    assert heard(method, params) == []
