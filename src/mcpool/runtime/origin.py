"""Where in the program something was begun, for the warning that it was never ended."""

from __future__ import annotations

from inspect import currentframe
from typing import NamedTuple

_DEPTH = 12
_OURS = ("mcpool.", "asyncio.")
_BEGINNING = "mcpool.gateway."
"""Of our own modules, those that begin steps for others than whoever called them."""


class Origin(NamedTuple):
    """A line of a source file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def origin() -> Origin:
    """The line outside of mcpool that called, or the caller's own if none did directly."""
    here = currentframe()
    assert here is not None  # CPython has frames
    frame = first = here.f_back or here
    for _ in range(_DEPTH):
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_OURS) or module.startswith(_BEGINNING):
            return Origin(frame.f_code.co_filename, frame.f_lineno)
        if frame.f_back is None or module.startswith("asyncio."):
            break
        frame = frame.f_back
    return Origin(first.f_code.co_filename, first.f_lineno)
