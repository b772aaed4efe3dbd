"""Gathering what `mcpool doctor` judges: from files, the daemon, the servers themselves, and this user's processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcpool._version import __version__
from mcpool.cli.client_facts import client_facts
from mcpool.cli.control import ask
from mcpool.cli.logs import unknown
from mcpool.cli.tools import listed
from mcpool.config.known_servers import state_at_risk
from mcpool.config.loading import load
from mcpool.config.server import CLIENT_CWD, LOCAL, Http, ServerConfig, Stdio
from mcpool.doctor.duplicates import Running, copies
from mcpool.doctor.facts import CommandFacts, DaemonFacts, Facts, ProcessFacts, ServerFacts, Stray
from mcpool.errors import McpoolError
from mcpool.gateway.starting import join_or_start
from mcpool.launch.command import find_command, why_not_startable
from mcpool.launch.command_lines import command_lines
from mcpool.launch.environment import BaseEnvironment, base_environment
from mcpool.launch.memory import memory_of_processes
from mcpool.launch.process_table import HOST_COOKIE, scan
from mcpool.launch.systemd_unit import unit_of
from mcpool.rendezvous import Refused, home_path

Row = dict[str, Any]


def gather(environ: Mapping[str, str], only: str | None) -> Facts:
    """All facts, or those about one server. Starts the daemon and the servers, as any client does.

    Raises:
        Refused: no server has the name `only`.
    """
    home = Path(home_path(environ))
    base = asyncio.run(base_environment(environ, home))
    status, daemon_error = _status(environ)
    file = Path(status["config"]) if status and status["config"] else home / "config.toml"
    config = load(file if file.exists() else None, home=home, environ=base.lookup)
    commands = {server.name: _command(server, base) for server in config.servers}
    names = _names(status) if status else [server.name for server in config.servers]
    if only is not None and only not in (*names, *commands):
        raise Refused(unknown(only, sorted({*names, *commands})))
    if status:
        startable = [name for name in names if (found := commands.get(name)) is None or found.found is not None]
        failures = _tried([name for name in startable if only in (None, name)])
        status, daemon_error = _status(environ)
    else:
        failures = {}
    rows = [] if status is None else list[Row](status["servers"])
    configured = {server.name: server for server in config.servers}
    chosen = [name for name in dict.fromkeys((*configured, *names)) if only in (None, name)]
    return Facts(
        version=__version__,
        config_file=str(file),
        config_exists=file.exists(),
        problems=tuple(problem for problem in config.problems if only is None or problem.concerns(only)),
        surroundings=base.problems,
        daemon=None if status is None else _daemon(status, frozenset(map(str, config.problems))),
        daemon_error=daemon_error,
        configured=frozenset((*configured, *names)),
        servers=tuple(_server(name, configured.get(name), commands.get(name), rows, failures) for name in chosen),
        clients=tuple(client_facts(config)),
        strays=tuple(_strays({name: _words(configured[name]) for name in chosen if commands.get(name) is not None})),
    )


def _status(environ: Mapping[str, str]) -> tuple[dict[str, Any] | None, str | None]:
    try:
        return ask(join_or_start(environ, kind="control", cwd=os.path.expanduser("~")), "status"), None
    except McpoolError as error:
        return None, str(error)


def _names(status: Mapping[str, Any]) -> list[str]:
    rows: list[Row] = status["servers"]
    return list(dict.fromkeys(str(row["name"]) for row in rows if row["state"] != "disabled"))


def _tried(names: Sequence[str]) -> dict[str, str]:
    """Why servers cannot be used just now."""
    failures: dict[str, str] = {}
    try:
        failures = listed(names)[1]
    except McpoolError:
        # One of them is refused: then each for itself.
        for name in names:
            try:
                failures |= listed([name])[1]
            except McpoolError as error:
                failures[name] = str(error)
    return {name: reason.removeprefix(f"`{name}`: ") for name, reason in failures.items()}


def _command(server: ServerConfig, base: BaseEnvironment) -> CommandFacts | None:
    stdio = server.transport
    if not isinstance(stdio, Stdio) or server.environment_id != LOCAL:
        return None  # what is elsewhere is known there
    own = dict(stdio.env)
    path = own.get("PATH", base.inherited.get("PATH", os.defpath))
    cwd = os.getcwd() if stdio.cwd == CLIENT_CWD else stdio.cwd
    found = find_command(stdio.command, path, cwd) if os.path.isdir(cwd) else None
    return CommandFacts(
        stdio.command,
        path,
        "the PATH in its `env`" if "PATH" in own else "the PATH of your login shell, or of `.env` in mcpool's home",
        found,
        None if found else why_not_startable((stdio.command,), path, cwd),
    )


def _words(server: ServerConfig) -> tuple[str, ...]:
    stdio = server.transport
    return (stdio.command, *stdio.args) if isinstance(stdio, Stdio) else ()


def _daemon(status: Mapping[str, Any], known: frozenset[str]) -> DaemonFacts:
    problems = tuple(problem for problem in map(str, status["problems"]) if problem not in known)
    return DaemonFacts(status["pid"], status["version"], status["endpoint"], status["config"], problems)


def _server(
    name: str,
    server: ServerConfig | None,
    command: CommandFacts | None,
    rows: Sequence[Row],
    failures: Mapping[str, str],
) -> ServerFacts:
    own = [row for row in rows if row["name"] == name]
    return ServerFacts(
        name=name,
        enabled=server.enabled if server is not None else True,
        command=command,
        host=server.transport.host if server is not None and isinstance(server.transport, Http) else None,
        keeps_state=None if server is None else state_at_risk(server),
        startup_timeout=30.0 if server is None else server.startup_timeout,
        start_error=failures.get(name),
        processes=tuple(_process(row) for row in own if row["state"] != "disabled"),
    )


def _process(row: Row) -> ProcessFacts:
    memory = row.get("memory")
    return ProcessFacts(
        state=row["state"],
        pid=row["pid"],
        error=row["last_error"],
        last_words=row.get("last_words") or "",
        era=row.get("era"),
        revision=row.get("revision"),
        capabilities=tuple(row.get("capabilities") or ()),
        tools=row.get("tools"),
        phases=row.get("phases"),
        restarts=row["restarts"],
        memory=None if memory is None else memory["pss"] or memory["rss"],
        why=tuple(row.get("why") or ()),
        notes=tuple(row.get("notes") or ()),
    )


def _strays(servers: Mapping[str, Sequence[str]]) -> list[Stray]:
    rows = list(scan())
    lines = command_lines({row.pid for row in rows} | {row.parent for row in rows})
    running = [
        Running(
            row.pid,
            row.parent,
            lines.pop(row.pid, ()),
            ours=row.value(HOST_COOKIE) is not None,
            unit=unit_of(row.pid),
            by_systemd=row.value("SYSTEMD_EXEC_PID") == str(row.pid),
        )
        for row in rows
    ]
    found: list[Stray] = []
    for copy in copies(running, servers, lines):
        memory = memory_of_processes(copy.pids)
        size = None if memory is None else memory.pss or memory.rss
        found.append(Stray(copy.server, copy.pids[0], copy.started_by, size, len(copy.pids)))
    return found
