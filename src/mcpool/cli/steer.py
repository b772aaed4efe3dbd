"""`mcpool stop`, `apply`, `reload` and `reconnect`: steering the running daemon."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.words import say
from mcpool.gateway.home_lock import await_unlocked
from mcpool.gateway.starting import StartLock
from mcpool.rendezvous import NoDaemon, home_path

_PATIENCE = 60.0
"""Seconds that a daemon may take to end its servers."""


def stop(arguments: Namespace) -> int:
    """Ask the daemon to end, and wait until it has."""
    home = home_path(os.environ)
    # One that is starting is waited for, and none is started in between.
    with StartLock(home):
        try:
            pid = ask_daemon("stop")["pid"]
        except NoDaemon:
            print("no mcpool daemon runs for this home")
            return OK
        await_unlocked(Path(home), timeout=_PATIENCE)
    print(f"stopped the mcpool daemon (pid {pid})")
    return OK


def apply(arguments: Namespace) -> int:
    """Have the configuration read again; what is equal keeps its process."""
    return _tell(ask_daemon("apply"), "the configuration was read again; unchanged servers kept running")


def reload(arguments: Namespace) -> int:
    """Have all servers replaced by fresh processes."""
    return _tell(ask_daemon("reload"), "all servers are being replaced by fresh processes")


def _tell(answer: dict[str, Any], done: str) -> int:
    for problem in answer["problems"]:
        say(f"{problem}\n")
    print(done)
    # A daemon of another version may not count.
    return USAGE if answer.get("errors", len(answer["problems"])) else OK


def reconnect(arguments: Namespace) -> int:
    """Have one server's connections ended and begun anew."""
    # The daemon itself gives it the server's `startup_timeout_sec`.
    done = ask_daemon("reconnect", timeout=None, server=arguments.server)
    print(f"`{arguments.server}` was connected anew{what_happened(done)}")
    return OK


def what_happened(done: Mapping[str, Any]) -> str:
    """Which processes gave way to which, and how long that took."""
    # A daemon of another version may not tell.
    before, after = (", ".join(map(str, done.get(key, ()))) for key in ("before", "after"))
    took = f" in {done['seconds']:.2f} s" if "seconds" in done else ""
    if not after:
        return took
    return f"{took}: pid {before} -> {after}" if before else f"{took}: pid {after} (it did not run before)"
