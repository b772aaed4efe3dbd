"""`mcpool env`: the executors that servers can run in besides this machine."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcpool.cli.control import ask_daemon, tell_to_apply
from mcpool.cli.exit_codes import OK, UNAVAILABLE, USAGE
from mcpool.cli.screen import Screen
from mcpool.config.environments import FILE_NAME, load_environments, why_no_id, why_no_url
from mcpool.config.environments_edit import with_environment, without_environment
from mcpool.config.home import ensure_home
from mcpool.config.writing import edit_config, write_config
from mcpool.environments.exec_server.token import token_of
from mcpool.environments.websocket import shown
from mcpool.errors import ConfigError, DaemonError
from mcpool.rendezvous import NoDaemon, home_path

_REACHED_WITHIN = 60.0
"""Seconds that the daemon may take to find out whether an executor can be reached."""


def show(arguments: Namespace) -> int:
    """List them, with how the daemon gets on with them."""
    screen = Screen()
    try:
        rows: list[dict[str, Any]] = ask_daemon("environments")["environments"]
    except NoDaemon:
        configs, problems = load_environments(_file(), os.environ)
        for config in configs:
            screen.line(f"{config.id}  {shown(config.url)}  (no daemon runs)")
        for problem in problems:
            screen.line(str(problem), "yellow")
        rows = []
        if configs or problems:
            return USAGE if any(problem.severity == "error" for problem in problems) else OK
    if not rows:
        screen.line("there is this machine only; `mcpool env add NAME URL` adds an executor")
    for row in rows:
        _show(screen, row)
    return OK


def add(arguments: Namespace) -> int:
    """Write one into the file, and tell how the daemon gets on with it."""
    if wrong := why_no_id(arguments.name):
        raise ConfigError([f"environment `{arguments.name}`: {wrong}; use letters, digits, `_` and `-`, at most 64"])
    if wrong := why_no_url(arguments.url):
        raise ConfigError([f"environment `{arguments.name}`: its URL {wrong}; write it whole: ws://HOST:PORT"])
    settings = {"url": arguments.url}
    if arguments.token_file is not None:
        settings["token"] = token_of(arguments.token_file, make=False).replace("${", "$${")
    elif arguments.token is not None:
        settings["token"] = arguments.token
    _edit(lambda text: with_environment(text, arguments.name, settings))
    screen = Screen()
    screen.line(f"added `{arguments.name}` to {_file()}")
    tell_to_apply()
    try:
        answer = ask_daemon("environments", timeout=_REACHED_WITHIN, reach=arguments.name)
    except NoDaemon:
        return OK
    rows = [row for row in answer["environments"] if row["id"] == arguments.name]
    for row in rows:
        _show(screen, row)
    return OK if any(row["status"] == "ready" for row in rows) else UNAVAILABLE


def remove(arguments: Namespace) -> int:
    """Take one out of the file; what runs there ends."""
    _edit(lambda text: without_environment(text, arguments.name))
    print(f"removed `{arguments.name}` from {_file()}")
    tell_to_apply()
    return OK


def daemon_handles() -> dict[str, int]:
    """The executors that the running daemon has; none if none runs, or is too old to tell."""
    try:
        rows = ask_daemon("environments")["environments"]
    except DaemonError:
        return {}
    return {str(row["id"]): 1 for row in rows if row["status"] == "ready"}


def _show(screen: Screen, row: dict[str, Any]) -> None:
    place = f"  in {row['cwd']}" if row["cwd"] else ""
    screen.line(f"{row['id']}  {row['status']}  {row['url']}{place}", "" if row["status"] == "ready" else "yellow")
    if row["error"]:
        screen.line(f"  {row['error']}", "yellow")


def _file() -> Path:
    return Path(home_path(os.environ), FILE_NAME)


def _edit(change: Callable[[str], str]) -> None:
    ensure_home(Path(home_path(os.environ)))
    if _file().exists():
        edit_config(_file(), change)
    else:
        write_config(_file(), change(""))
