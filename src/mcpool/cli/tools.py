"""`mcpool tools [SERVER]`: what the servers can do."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, cast

from mcpool.cli.control import ask
from mcpool.cli.exit_codes import OK, UNAVAILABLE
from mcpool.cli.screen import Screen
from mcpool.cli.session import Lost, Refused, Session
from mcpool.cli.words import say


def run(arguments: Namespace) -> int:
    """List the tools of one server or of all; exit code 3 if one of them can't be started."""
    servers = [arguments.server] if arguments.server else _configured()
    found, failures = listed(servers)
    if arguments.json:
        say(json.dumps(found, ensure_ascii=False) + "\n", sys.stdout)
    else:
        _show(found, Screen())
    for reason in failures.values():
        say(f"mcpool tools: {reason}\n")
    return UNAVAILABLE if failures else OK


def listed(servers: Sequence[str]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """The tools of servers by name, and why others have none to list. All start at the same time.

    Raises:
        DaemonError: there is no daemon, and none can be started; or it knows no such server.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    failures: dict[str, str] = {}
    with ExitStack() as stack:
        # All are asked before the first is waited for: they start at the same time.
        sessions = [stack.enter_context(Session(server)) for server in servers]
        begun = [(session, session.begin()) for session in sessions]
        for server, (session, identifier) in zip(servers, begun, strict=True):
            try:
                session.wait(identifier)
                session.initialized()
                found[server] = cast("list[dict[str, Any]]", session.request("tools/list", {})["tools"])
            except (Refused, Lost) as error:
                failures[server] = str(error)
    return found, failures


def _configured() -> list[str]:
    import os

    from mcpool.gateway.starting import join_or_start

    joined = join_or_start(os.environ, kind="control", cwd=os.getcwd())
    rows = cast("list[dict[str, Any]]", ask(joined, "status")["servers"])
    return list(dict.fromkeys(str(row["name"]) for row in rows if row["state"] != "disabled"))


def _show(found: dict[str, list[dict[str, Any]]], screen: Screen) -> None:
    for server, tools in found.items():
        screen.line(f"{server} ({len(tools)})", "bold")
        if tools:
            screen.table(("tool", "arguments", "what it does"), [_row(tool) for tool in tools])
        screen.line()


def _row(tool: dict[str, Any]) -> list[str]:
    description = str(tool.get("description") or tool.get("title") or "")
    return [str(tool["name"]), arguments_text(tool.get("inputSchema")), first_sentence(description)]


def first_sentence(text: str) -> str:
    """What a description says first: for the rest there is `--json`."""
    line = text.strip().partition("\n")[0].strip()
    end = line.find(". ")
    return line if end < 0 else line[: end + 1]


def arguments_text(schema: object) -> str:
    """The arguments of a tool by name, optional ones in brackets."""
    if not isinstance(schema, dict):
        return ""
    fields = cast("dict[str, Any]", schema)
    required = set(cast("list[str]", fields.get("required") or []))
    names = cast("dict[str, Any]", fields.get("properties") or {})
    return " ".join(name if name in required else f"[{name}]" for name in names)
