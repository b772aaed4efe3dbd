"""`mcpool config check`: everything that is wrong with a configuration, before it is used."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config import load
from mcpool.launch.environment import base_environment
from mcpool.rendezvous import home_path


def run(arguments: Namespace) -> int:
    """Print every problem with file, line, key and remedy; exit code 2 if one of them is an error."""
    home = Path(home_path(os.environ))
    source = None if arguments.file is None else Path(arguments.file)
    environ = asyncio.run(base_environment(os.environ, home)).lookup
    config = load(source, home=home, environ=environ)
    screen = Screen()
    errors = sum(problem.severity == "error" for problem in config.problems)
    for problem in config.problems:
        screen.line(f"{problem.severity}: {problem}", "red" if problem.severity == "error" else "yellow")
    file = source or home / "config.toml"
    if source is None and not file.exists():
        screen.line(f"{file} does not exist; the bundled demo server runs; `mcpool import` makes one")
    else:
        warnings = len(config.problems) - errors
        enabled = sum(server.enabled for server in config.servers)
        disabled = len(config.servers) - enabled
        screen.line(
            f"{file}: {_count(enabled, 'server')} can be used, {f'{disabled} disabled, ' if disabled else ''}"
            f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
        )
    return USAGE if errors else OK


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
