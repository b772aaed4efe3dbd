"""Words that are not ours, on the user's terminal: those of servers, issuers and other tools."""

from __future__ import annotations

import re
import sys
from typing import TextIO

_STEERING = re.compile(
    r"(\x1b\[[0-9;]*m)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters but tab and newline
    r"|[\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # further line ends; what has text read in another order
    r"|[\ud800-\udfff]"  # half characters, which cannot be written
)


def harmless(text: str, *, colours: bool = False) -> str:
    """As a terminal may get them: what would steer it is shown as `?`, colours at most stay."""
    return _STEERING.sub(lambda found: "?" if not found[1] else found[1] if colours else "", text)


def say(text: str, stream: TextIO | None = None, *, colours: bool = False) -> None:
    """Write to stderr, or another stream. Only what does not steer it goes to a terminal; all of it into a pipe."""
    target = stream or sys.stderr
    target.write(harmless(text, colours=colours) if target.isatty() else text)
    target.flush()
