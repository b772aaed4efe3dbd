"""What `mcpool up` says: what was started, and what to paste into which client."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, cast

from mcpool.cli.paste_lines import shim_command, snippets
from mcpool.cli.screen import Screen


def show_started(status: Mapping[str, Any], screen: Screen, *, now: bool) -> None:
    """What runs, in two lines. `now`: its servers are being started, and not with their first use."""
    screen.line(f"mcpool {status['version']} is ready on {status['endpoint']} (pid {status['pid']})", "bold green")
    names = server_names(status)
    if status["config"] is None:
        screen.line("Nothing is configured yet, so the bundled demo server runs. `mcpool install CLIENT` takes over")
        screen.line("the servers of a client and gives them back through mcpool; `mcpool import` only takes them over.")
    elif names:
        servers = f"{_count(len(names))} from {status['config']}"
        screen.line(f"Starting {servers}:" if now else f"{servers}; each starts when it is first used.")
    else:
        screen.line(f"{status['config']} names no usable server; `mcpool import` takes over those of your other tools.")
    if now:
        screen.line()


def show_paste_lines(status: Mapping[str, Any], screen: Screen) -> None:
    """What to paste into which client, and how to reach the endpoint by HTTP."""
    names = server_names(status)
    screen.line()
    if names:
        screen.line(
            "Give your clients one entry per server. All of them share one process, and no file holds a secret."
        )
        screen.line("`mcpool install CLIENT` writes them and takes over what the client has; by hand it is:")
        for snippet in snippets(names, shim_command(os.environ, sys.argv[0])):
            screen.line()
            screen.line(f"{snippet.client}  ({snippet.where})", "bold cyan")
            for line in snippet.text.splitlines():
                screen.line(f"  {line}" if line else "")
        screen.line()
    screen.line(f"Over HTTP: {status['endpoint']} for all servers, {status['endpoint']}/NAME for one,")
    screen.line(f"with `Authorization: Bearer TOKEN`; the token is in {status['token_file']}")


def server_names(status: Mapping[str, Any]) -> list[str]:
    """The servers of a status that clients can use, each once."""
    rows = cast("list[dict[str, Any]]", status["servers"])
    return list(dict.fromkeys(str(row["name"]) for row in rows if row["state"] != "disabled"))


def _count(number: int) -> str:
    return "1 server" if number == 1 else f"{number} servers"
