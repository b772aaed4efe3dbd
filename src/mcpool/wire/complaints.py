"""What a server wrote that is no message: each kind is told once, however often it comes."""

from __future__ import annotations

from collections.abc import Callable

_SAMPLE = 200


class Complaints:
    """Counts them, and tells `tell` of each kind the first time, with the beginning of what was written."""

    __slots__ = ("_tell", "_told", "count")

    def __init__(self, tell: Callable[[str, bytes], None]) -> None:
        self.count = 0
        self._tell = tell
        self._told: set[str] = set()

    def add(self, kind: str, sample: bytes) -> None:
        """One more."""
        self.count += 1
        if kind not in self._told:
            self._told.add(kind)
            self._tell(kind, sample[:_SAMPLE].rstrip(b"\r\n"))
