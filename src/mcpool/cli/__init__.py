"""A face: the command line. Each command imports only what it needs; `connect` next to nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script: run the command that `arguments` (else `sys.argv`) names and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["connect"]:
        from mcpool.cli.connect import run as connect

        return connect(given[1:])
    from mcpool.cli.commands import run

    return run(given)
