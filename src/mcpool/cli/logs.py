"""`mcpool logs [SERVER]`: what a server wrote to stderr, or what the daemon has to say."""

from __future__ import annotations

import difflib
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK
from mcpool.cli.log_file import LogFile, rotated
from mcpool.cli.words import harmless
from mcpool.errors import DaemonError
from mcpool.launch.server_log import NOT_SERVERS, log_name
from mcpool.rendezvous import Refused, home_path

_POLL = 0.2
"""Seconds between looks at a log that is followed."""


def run(arguments: Namespace) -> int:
    """Print the end of a log and, if asked to, what is added to it until Ctrl-C."""
    home = Path(home_path(os.environ))
    path = home / "logs" / ("daemon.log" if arguments.server is None else log_name(arguments.server))
    if not path.exists() and not rotated(path).exists():
        _explain(arguments.server, home, path)
    with closing(LogFile(path)) as log:
        _print(log.last(arguments.lines))
        while arguments.follow:
            _print(log.new())
            time.sleep(_POLL)
    return OK


def _print(lines: Iterable[bytes]) -> None:
    # A server's words could steer a terminal; in a pipe they are what they are.
    terminal = sys.stdout.isatty()
    for line in lines:
        if terminal:
            sys.stdout.write(f"{harmless(line.decode(errors='replace'), colours=True)}\n")
        else:
            sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def _explain(server: str | None, home: Path, path: Path) -> None:
    """Say why there is nothing to print.

    Raises:
        Refused: there is no such server.
    """
    if server is None:
        sys.stderr.write(f"{path} does not exist: the daemon has never run in the background for this home\n")
        return
    kinds = _servers(home)
    if server not in kinds:
        names = sorted({*kinds, *_with_logs(home)})
        raise Refused(unknown(server, names))
    if kinds[server] == "http":
        sys.stderr.write(f"`{server}` is reached over HTTP: its stderr is wherever it runs\n")
    else:
        sys.stderr.write(f"`{server}` has written nothing to stderr yet; it would be in {path}\n")


def unknown(server: str, names: list[str]) -> str:
    """What to say of a name that is no server's."""
    near = difflib.get_close_matches(server, names, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"no server is named `{server}`; {hint}there are: {', '.join(names) or 'none'}"


def _servers(home: Path) -> Mapping[str, str]:
    """The kind of each server that is configured, and of each that the daemon runs."""
    from mcpool.config import load
    from mcpool.config.server import Http

    found = {
        server.name: "http" if isinstance(server.transport, Http) else "stdio"
        for server in load(None, home=home, environ=os.environ).servers
    }
    try:
        for row in ask_daemon("status")["servers"]:
            found.setdefault(str(row["name"]), "stdio")
    except DaemonError:
        pass  # None runs: what is configured is all there is.
    return found


def _with_logs(home: Path) -> list[str]:
    return [
        path.stem
        for path in (home / "logs").glob("*.log")
        if path.stem not in NOT_SERVERS and not path.stem.startswith(".")
    ]
