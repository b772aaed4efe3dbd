"""Every command but `connect`: what they are called, what they take, and how a failure is told."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from mcpool.cli.exit_codes import INTERRUPTED, OK, OUTCOME_UNKNOWN, TIMEOUT, UNAVAILABLE, USAGE
from mcpool.errors import (
    CallOutcomeUnknown,
    CallTimeout,
    ConfigError,
    DaemonError,
    McpoolError,
    ServerUnavailable,
)
from mcpool.rendezvous import Refused

_EXIT_CODES: tuple[tuple[type[McpoolError], int], ...] = (
    (ConfigError, USAGE),
    (Refused, USAGE),
    (DaemonError, UNAVAILABLE),
    (ServerUnavailable, UNAVAILABLE),
    (CallOutcomeUnknown, OUTCOME_UNKNOWN),
    (CallTimeout, TIMEOUT),
)


def run(given: Sequence[str]) -> int:
    """Run the command that `given` names; returns its exit code. Tells failures in a sentence, never a traceback."""
    from mcpool.cli.parser import parse

    arguments = parse(given)
    try:
        code = _perform(arguments)
        sys.stdout.flush()
    except McpoolError as error:
        sys.stderr.write("".join(f"mcpool: {line}\n" for line in str(error).splitlines()))
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), UNAVAILABLE)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _perform(arguments: Namespace) -> int:
    module, function = arguments.run.split(":")
    return getattr(import_module(f"mcpool.cli.{module}"), function)(arguments)
