"""`mcpool status`: what runs, for whom, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, UNAVAILABLE
from mcpool.cli.screen import Screen
from mcpool.rendezvous import NoDaemon

_COLUMNS = ("server", "state", "pid", "gen", "restarts", "leases", "calls", "scope", "folder")


def run(arguments: Namespace) -> int:
    """Print the status; exit code 3 when no daemon runs."""
    try:
        status = ask_daemon("status")
    except NoDaemon:
        sys.stderr.write("no mcpool daemon runs for this home; `mcpool up` starts one, as does any client\n")
        return UNAVAILABLE
    if arguments.json:
        sys.stdout.write(json.dumps(status, indent=2, ensure_ascii=False) + "\n")
    else:
        show_status(status, Screen())
    return OK


def show_status(status: dict[str, Any], screen: Screen) -> None:
    """Print a status as the daemon gives it."""
    uptime = _duration(float(status["uptime"]))
    screen.line(
        f"mcpool {status['version']}, pid {status['pid']}, up {uptime}, {_clients(int(status['clients']))}", "bold"
    )
    screen.line(f"endpoint  {status['endpoint']}  (token in {status['token_file']})")
    screen.line(f"socket    {status['socket']}")
    screen.line(f"config    {status['config'] or 'none: the bundled demo server runs'}")
    screen.line()
    rows: list[dict[str, Any]] = status["servers"]
    if rows:
        screen.table(_COLUMNS, [_row(row) for row in rows])
    else:
        screen.line("no servers are configured; `mcpool import` takes over those of your other tools")
    remarks = [remark for row in rows for remark in _remarks(row)]
    for remark in [*remarks, *status["problems"]]:
        screen.line(remark, "yellow")


def _row(row: dict[str, Any]) -> list[str]:
    return [
        str(row["name"]),
        str(row["state"]),
        "-" if row["pid"] is None else str(row["pid"]),
        str(row["generation"]),
        str(row["restarts"]),
        str(row["leases"]),
        str(row["in_flight"]),
        str(row["scope"]),
        str(row["cwd"] or "-"),
    ]


def _remarks(row: dict[str, Any]) -> list[str]:
    name = row["name"]
    remarks = [f"{name}: {row['last_error']}"] if row["last_error"] else []
    if row.get("why"):
        remarks.append(f"{name}: pid {row['pid'] or '-'} is a process of its own: {'; '.join(row['why'])}")
    return remarks + [f"{name}: {note}" for note in row.get("notes") or ()]


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
