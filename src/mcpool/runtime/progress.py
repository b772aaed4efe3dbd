"""Progress of one call, as a callback of the embedding program sees it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

OnProgress = Callable[[float, float | None, str | None], None]
"""Called with the progress so far, the total if known, and a message if there is one."""


class _Progress(msgspec.Struct):
    progress: float = 0.0
    total: float | None = None
    message: str | None = None


class ProgressSink:
    """A call sink that hands progress to a callback."""

    __slots__ = ("_callback",)

    def __init__(self, callback: OnProgress) -> None:
        self._callback = callback

    def on_notification(self, method: str, params: bytes | None) -> None:
        """One notification of the call."""
        if method != "notifications/progress" or params is None:
            return
        try:
            seen = msgspec.json.decode(params, type=_Progress)
        except msgspec.DecodeError:
            return
        self._callback(seen.progress, seen.total, seen.message)
