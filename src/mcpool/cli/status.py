"""`mcpool status [SERVER]`: what runs, for whom, and what is wrong with it."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcpool._version import __version__
from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, UNAVAILABLE
from mcpool.cli.logs import unknown
from mcpool.cli.screen import Screen
from mcpool.cli.server_details import show_server
from mcpool.cli.units import duration, latency, size, soon
from mcpool.cli.words import say
from mcpool.rendezvous import NoDaemon, Refused, home_path

_RECENT = 3600.0
"""Seconds for which a failure that a server got over is worth a line."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """What stands over it, how wide a terminal must be to have it, and what stands in it."""

    title: str
    width: int
    text: Callable[[Row], str]


_COLUMNS = (
    Column("server", 0, lambda row: str(row["name"])),
    Column("state", 0, lambda row: str(row["state"])),
    Column("pid", 0, lambda row: _or_dash(row["pid"], str)),
    Column("up", 0, lambda row: _or_dash(row.get("uptime"), duration)),
    Column("gen", 130, lambda row: str(row["generation"])),
    Column("restarts", 0, lambda row: str(row["restarts"])),
    Column("leases", 100, lambda row: str(row["leases"])),
    Column("calls", 0, lambda row: str(row["in_flight"])),
    Column("p50", 110, lambda row: _quantile(row, "p50")),
    Column("p95", 0, lambda row: _quantile(row, "p95")),
    Column("p99", 130, lambda row: _quantile(row, "p99")),
    Column("memory", 0, lambda row: _memory(row)),
    Column("revision", 130, lambda row: str(row.get("revision") or "-")),
    Column("scope", 150, lambda row: str(row["scope"])),
    Column("folder", 150, lambda row: str(row["cwd"] or "-")),
)


def run(arguments: Namespace) -> int:
    """Print the status; exit code 3 when no daemon runs."""
    try:
        status = ask_daemon("status")
    except NoDaemon:
        sys.stderr.write("no mcpool daemon runs for this home; `mcpool up` starts one, as does any client\n")
        return UNAVAILABLE
    if arguments.server is not None:
        names = list(dict.fromkeys(str(row["name"]) for row in status["servers"]))
        if arguments.server not in names:
            raise Refused(unknown(arguments.server, names))
        status["servers"] = [row for row in status["servers"] if row["name"] == arguments.server]
    if arguments.json:
        say(json.dumps(status, indent=2, ensure_ascii=False) + "\n", sys.stdout)
    elif arguments.server is None:
        show_status(status, Screen())
    else:
        for row in status["servers"]:
            show_server(row, home_path(os.environ), Screen())
    return OK


def show_status(status: dict[str, Any], screen: Screen) -> None:
    """Print a status as the daemon gives it."""
    uptime = duration(float(status["uptime"]))
    screen.line(
        f"mcpool {status['version']}, pid {status['pid']}, up {uptime}, {_clients(int(status['clients']))}", "bold"
    )
    if status["version"] != __version__:
        screen.line(f"this command is mcpool {__version__}; `mcpool stop` lets the daemon start anew as that", "yellow")
    screen.line(f"endpoint  {status['endpoint']}  (token in {status['token_file']})")
    screen.line(f"socket    {status['socket']}")
    screen.line(f"config    {status['config'] or 'none: the bundled demo server runs'}")
    for environment in status.get("environments") or ():  # a daemon of another version may not tell
        error = f": {environment['error']}" if environment["error"] else ""
        style = "" if environment["status"] == "ready" else "yellow"
        screen.line(f"executor  {environment['id']} {environment['status']} at {environment['url']}{error}", style)
    screen.line()
    rows: list[Row] = status["servers"]
    if rows:
        columns = columns_for(screen.width)
        screen.table([column.title for column in columns], [[column.text(row) for column in columns] for row in rows])
    else:
        screen.line("no servers are configured; `mcpool import` takes over those of your other tools")
    for remark, style in dict.fromkeys(remark for row in rows for remark in remarks(row)):
        screen.line(remark, style)
    for problem in status["problems"]:
        screen.line(problem, "yellow")


def columns_for(width: int | None) -> list[Column]:
    """The columns that fit; all of them where the output is no terminal."""
    return [column for column in _COLUMNS if width is None or column.width <= width]


def remarks(row: Row) -> list[tuple[str, str]]:
    """What is to be said of a server below the table, and in which style."""
    name = row["name"]
    said: list[tuple[str, str]] = []
    if row["last_error"]:
        retry = row.get("next_retry")
        when = "" if retry is None else f"; next attempt {soon(retry)}, or now by `mcpool reconnect {name}`"
        said.append((f"{name}: {row['last_error']}{when}", "yellow"))
    elif row.get("last_failure") and row["last_failure_ago"] < _RECENT:
        ago, what = duration(row["last_failure_ago"]), row["last_failure"].splitlines()[0]
        said.append((f"{name}: it runs again; {ago} ago: {what}", "dim"))
    if row.get("why"):
        what = f"{name}: pid {row['pid'] or '-'} is a process of its own: {'; '.join(row['why'])}"
        said.append((what, "yellow"))
    if row.get("same_as"):
        names = " and ".join(sorted([name, *row["same_as"]]))
        said.append((f"{names} are configured alike, so they are one process", "dim"))
    return said + [(f"{name}: {note}", "yellow") for note in row.get("notes") or ()]


def _or_dash(value: Any, text: Callable[[Any], str]) -> str:
    return "-" if value is None else text(value)


def _quantile(row: Row, which: str) -> str:
    return _or_dash(row.get("latency"), lambda quantiles: latency(quantiles[which]))


def _memory(row: Row) -> str:
    return _or_dash(row.get("memory"), lambda memory: size(memory["pss"] or memory["rss"]))


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"
