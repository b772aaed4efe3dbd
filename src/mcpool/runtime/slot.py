"""The one place where a thread's current runtime stands."""

from __future__ import annotations

from mcpool.runtime.runtime import Runtime


class RuntimeSlot:
    """Readers see the whole old runtime or the whole new one: publication is one assignment."""

    __slots__ = ("_current",)

    def __init__(self) -> None:
        self._current: Runtime | None = None

    @property
    def current(self) -> Runtime | None:
        """The runtime that the next step pins; None before the first and after the last."""
        return self._current

    def publish(self, runtime: Runtime | None) -> None:
        """Make it current. The one before lives on for the steps that pin it."""
        before, self._current = self._current, runtime
        if before is not None:
            before.replace()
