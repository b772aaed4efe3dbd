"""Names for threads."""

from __future__ import annotations


class Ids:
    """Names for threads, unique in a host."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"thread-{self._last}"
