"""Lines that a person types while the daemon may have something to say."""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable
from contextlib import suppress

from mcpool.cli.words import say


def read_line(prompt: str, until_typed: Callable[[int], None]) -> str:
    """A line from the terminal; the prompt goes to stderr, since stdout may be somebody's data.

    `until_typed` returns as soon as there is something to read from that descriptor, or raises: then what was typed so
    far is thrown away, so that nobody else gets it, the shell for example.

    Raises:
        EOFError: Ctrl-D.
    """
    say(prompt)
    try:
        until_typed(sys.stdin.fileno())
    except Exception:
        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        say("\n")
        raise
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
