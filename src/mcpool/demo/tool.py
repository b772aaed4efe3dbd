"""What a tool is, and what it may do while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from typing import NamedTuple

Json = dict[str, object]


class ToolError(Exception):
    """The tool could not do it: the message is for the model, which may try again with other arguments."""


class Cancelled(Exception):
    """The client no longer wants the answer."""


class Call:
    """One running tool call: reports progress, and hears of its cancellation."""

    def __init__(self, report: Callable[[float, float | None, str], None] | None = None) -> None:
        self._report = report
        self._cancelled = Event()

    def progress(self, done: float, total: float | None, message: str) -> None:
        """Tell the client how far it is, if it asked; `total` is None where nobody knows."""
        if self._report is not None:
            self._report(done, total, message)

    def cancel(self) -> None:
        """Have the tool stop at its next `wait` or `check`. Callable from any thread."""
        self._cancelled.set()

    def check(self) -> None:
        """Raises Cancelled if the call was cancelled."""
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Wait, or raise Cancelled as soon as the call is cancelled."""
        if self._cancelled.wait(seconds):
            raise Cancelled


class Tool(NamedTuple):
    """`run` gets checked arguments, defaults filled in, and returns the structured result."""

    definition: Json
    run: Callable[[Mapping[str, object], Call], Json]
    takes_time: bool = False
    """Runs in a thread of its own, so that others need not wait for it."""

    @property
    def name(self) -> str:
        return str(self.definition["name"])
