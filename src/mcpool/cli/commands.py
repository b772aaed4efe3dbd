"""Every command but `connect`: what they are called, what they take, and how a failure is told."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from mcpool.cli.exit_codes import INTERRUPTED, OK, OUTCOME_UNKNOWN, TIMEOUT, UNAVAILABLE, USAGE
from mcpool.cli.words import say
from mcpool.errors import (
    CallOutcomeUnknown,
    CallTimeout,
    ConfigError,
    DaemonError,
    McpoolError,
    ServerUnavailable,
)
from mcpool.rendezvous import Refused, home_path

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
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        # Half a character, or one that the locale does not know, must not end a command; JSON means the same by this.
        stdout.reconfigure(errors="backslashreplace")
    try:
        code = _perform(arguments)
        sys.stdout.flush()
    except McpoolError as error:
        say("".join(f"mcpool: {line}\n" for line in str(error).splitlines()))
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), UNAVAILABLE)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        from mcpool.cli.os_error import os_error_sentence

        say(f"mcpool: {os_error_sentence(error)}\n")
        return UNAVAILABLE
    except Exception as error:
        tell_defect(error)
        return UNAVAILABLE
    return code


def tell_defect(error: Exception) -> None:
    """Say that something of ours failed. The traceback goes to a file: it tells a user nothing."""
    import traceback

    path = os.path.join(home_path(os.environ), "logs", "defect.log")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        traceback.print_exception(error, file=file)
    kind = type(error).__name__
    say(f"mcpool: unexpected {kind}: {error}; this is a defect of mcpool, please report {path}\n")


def _perform(arguments: Namespace) -> int:
    module, function = arguments.run.split(":")
    return getattr(import_module(f"mcpool.cli.{module}"), function)(arguments)
