"""`python -m mcpool.demo`: serve on standard input and output until the input ends."""

from __future__ import annotations

import os
import sys

from mcpool.demo.catalogue import catalogue
from mcpool.demo.serve import serve


def main() -> int:
    """The exit status: 0 at the end of the input, 130 on Ctrl-C."""
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer, catalogue(os.getcwd()))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads any more; keep the interpreter from saying so again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
