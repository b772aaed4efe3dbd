"""`mcpool doctor [SERVER]`: what is wrong, and what mends it."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from mcpool.cli.doctor_facts import gather
from mcpool.cli.exit_codes import FAILED, OK
from mcpool.cli.screen import Screen, state_style
from mcpool.cli.units import latency
from mcpool.cli.words import say
from mcpool.doctor.facts import Facts, ProcessFacts, ServerFacts
from mcpool.doctor.findings import Finding, findings


def run(arguments: Namespace) -> int:
    """Gather, judge and show; exit code 1 if something is wrong."""
    facts = gather(os.environ, arguments.server)
    found = findings(facts)
    wrong = any(finding.severity == "error" for finding in found)
    if arguments.json:
        say(json.dumps(_as_json(facts, found, wrong=wrong), indent=2, ensure_ascii=False) + "\n", sys.stdout)
    else:
        _show(facts, found, Screen())
    return FAILED if wrong else OK


def _as_json(facts: Facts, found: list[Finding], *, wrong: bool) -> dict[str, Any]:
    return {
        "ok": not wrong,
        "findings": [asdict(finding) for finding in found],
        "config": facts.config_file,
        "daemon": None if facts.daemon is None else asdict(facts.daemon),
        "servers": [asdict(server) for server in facts.servers],
        "clients": [asdict(client) for client in facts.clients],
        "outside": [asdict(stray) for stray in facts.strays],
    }


def _show(facts: Facts, found: list[Finding], screen: Screen) -> None:
    screen.line(f"config    {facts.config_file}{'' if facts.config_exists else ' (does not exist)'}")
    if facts.daemon is not None:
        screen.line(f"daemon    mcpool {facts.daemon.version}, pid {facts.daemon.pid}, {facts.daemon.endpoint}")
    for server in facts.servers:
        _show_server(server, screen)
    for client in facts.clients:
        if client.entries:
            count = len(client.entries)
            screen.line(f"{client.title}: {count} server{'' if count == 1 else 's'} from mcpool ({client.file})")
    screen.line()
    for finding in found:
        about = f"{finding.about}: " if finding.about else ""
        screen.line(f"{finding.severity}: {about}{finding.what}", "red" if finding.severity == "error" else "yellow")
        screen.line(f"  -> {finding.remedy}")
    errors = sum(finding.severity == "error" for finding in found)
    if not found:
        screen.line("nothing is wrong", "green")
    elif not errors:
        screen.line("nothing is wrong; the warnings say what could be better", "green")


def _show_server(server: ServerFacts, screen: Screen) -> None:
    state = server.processes[0].state if server.processes else "idle" if server.enabled else "disabled"
    if server.start_error is not None and state in ("idle", "ready"):
        state = "failed"
    screen.line(f"{server.name}  {state}", f"bold {state_style(state)}".strip())
    if server.command is not None:
        screen.line(f"  command   {server.command.found or server.command.program + ' (not found)'}")
        if server.command.found is None:
            screen.line(f"  PATH      {server.command.path} ({server.command.path_from})")
    if server.host is not None:
        screen.line(f"  address   {server.host}")
    for process in server.processes:
        for label, text in _lines(process):
            screen.line(f"  {label:<10}{text}")


def _lines(process: ProcessFacts) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    if process.pid is not None:
        memory = "" if process.memory is None else f", {process.memory / 1e6:.0f} MB"
        said.append(("process", f"pid {process.pid}{memory}"))
    if process.revision is not None:
        said.append(
            ("speaks", f"{process.revision} ({process.era} era); offers {', '.join(process.capabilities) or '-'}")
        )
    if process.tools is not None:
        said.append(("tools", str(process.tools)))
    if process.phases is not None:
        parts = [f"{name} {latency(seconds)}" for name, seconds in process.phases.items()]
        said.append(("start", f"{latency(sum(process.phases.values()))}: {', '.join(parts)}"))
    if process.last_words:
        said.append(("stderr", process.last_words.splitlines()[-1]))
    return said
