"""Asking before something is changed."""

from __future__ import annotations

import sys

from mcpool.cli.words import harmless
from mcpool.errors import ConfigError


def confirmed(question: str, *, default: bool, otherwise: str) -> bool:
    """Whether the person at the terminal says yes; `default` is what no words mean.

    Raises:
        ConfigError: nobody is there; `otherwise` says what to do then.
    """
    if not sys.stdin.isatty():
        raise ConfigError([f"nobody is there to confirm it; {otherwise}"])
    try:
        answer = input(f"{harmless(question)} [{'Y/n' if default else 'y/N'}] ").strip().lower()
    except EOFError:  # Ctrl-D
        print()
        return False
    return default if not answer else answer in ("y", "yes")
