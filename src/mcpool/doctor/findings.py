"""Judging the facts: each finding says what is wrong, and with which line or command it is mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mcpool.doctor.facts import ClientEntry, ClientFacts, Facts, ProcessFacts, ServerFacts

Severity = Literal["error", "warning"]

TOOL_LIMITS = {"cursor": 40, "vscode": 128}
"""How many tools a client takes. Beyond that Cursor leaves tools out, and VS Code refuses or groups them."""

MOST_TOOLS = 128
"""How many tools the larger models' interfaces take in one request."""

_SEARCHING = 2
"""How many tools there are where tools are searched for."""

SLOW = 5.0
"""Seconds of a start above which a user waits."""

RESTLESS = 3
"""Restarts that are no accident any more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`error`), or could be better. `about` is a server, a client, or "" for all."""

    severity: Severity
    about: str
    what: str
    remedy: str


def findings(facts: Facts) -> list[Finding]:
    """All that is to be said, errors first."""
    found = [
        *_configuration(facts),
        *_daemon(facts),
        *(finding for server in facts.servers for finding in _server(server)),
        *(finding for client in facts.clients for finding in _client(client, facts)),
        *_strays(facts),
    ]
    return sorted(found, key=lambda finding: finding.severity != "error")


def _configuration(facts: Facts) -> Iterator[Finding]:
    for problem in facts.problems:
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        key = f"{problem.key}: " if problem.key else ""
        yield Finding(problem.severity, "", f"{place}: {key}{problem.message}", problem.remedy)
    for what in facts.surroundings:
        yield Finding("warning", "", what, "set what servers need in `.env` in mcpool's home")
    if not facts.config_exists and not facts.problems:
        what = f"nothing is configured ({facts.config_file} does not exist), so the bundled demo server runs"
        yield Finding("warning", "", what, "`mcpool install CLIENT` or `mcpool import` takes over the servers you have")


def _daemon(facts: Facts) -> Iterator[Finding]:
    if facts.daemon_error is not None:
        yield Finding("error", "", f"the daemon cannot be used: {facts.daemon_error}", "`mcpool logs` shows its log")
    daemon = facts.daemon
    if daemon is None:
        return
    if daemon.version != facts.version:
        what = f"the daemon is mcpool {daemon.version}, this command is mcpool {facts.version}"
        yield Finding("warning", "", what, "`mcpool stop`: the next client starts the right one")
    if daemon.config is not None and daemon.config != facts.config_file:
        what = f"the daemon was started with {daemon.config}, so {facts.config_file} has no effect"
        yield Finding("warning", "", what, "`mcpool stop && mcpool up`")
    for problem in daemon.problems:
        what, _, remedy = problem.partition("; ")
        yield Finding("warning", "", what, remedy or "`mcpool logs` may say more")


def _server(server: ServerFacts) -> Iterator[Finding]:
    if not server.enabled:
        return
    name = server.name
    command = server.command
    if command is not None and command.found is None:
        what, _, remedy = (command.why_not or f"`{command.program}` was not found").partition("; ")
        yield Finding("error", name, f"{what}: {command.path_from}", remedy or "correct `command`")
        return
    if server.start_error is not None:
        yield _not_started(server)
    if server.keeps_state is not None:
        what = f"all threads and clients share it, and {server.keeps_state}"
        yield Finding("warning", name, what, f'`scope = "thread"` under [mcp_servers.{name}] gives each its own')
    for process in server.processes:
        yield from _process(server, process)


def _not_started(server: ServerFacts) -> Finding:
    name, what = server.name, server.start_error or ""
    if "`oauth.client_id`" in what:  # it signs in by itself, and no person can
        return Finding("error", name, what, f"correct `oauth` or `scopes` of it, then `mcpool reconnect {name}`")
    if any(process.state == "auth_required" for process in server.processes) or "mcpool auth" in what:
        return Finding("error", name, what, f"`mcpool auth {name}` signs in")
    if server.host is not None:
        remedy = f"see that {server.host} can be reached from here, then `mcpool reconnect {name}`"
        return Finding("error", name, what, remedy)
    return Finding("error", name, what, f"`mcpool logs {name}` shows what it wrote; then `mcpool reconnect {name}`")


def _process(server: ServerFacts, process: ProcessFacts) -> Iterator[Finding]:
    name = server.name
    if process.why:
        what = f"pid {process.pid or '-'} is a process of its own"
        yield Finding("warning", name, what, "; ".join(process.why))
    for note in process.notes:
        yield Finding("warning", name, note, "tell the authors of the server")
    if process.restarts >= RESTLESS:
        yield Finding(
            "warning", name, f"it was started again {process.restarts} times", f"`mcpool status {name}` says why"
        )
    phases = process.phases
    if phases is None:
        return
    total = sum(phases.values())
    if total > server.startup_timeout / 2:
        what = f"its start took {total:.1f} s of the {server.startup_timeout:g} s that it may take"
        line = f"`startup_timeout_sec = {server.startup_timeout * 2:g}` under [mcp_servers.{name}]"
        yield Finding("warning", name, what, line)
    elif total > SLOW:
        slowest = max(phases, key=lambda phase: phases[phase])
        what = f"its start took {total:.1f} s, {phases[slowest]:.1f} s of it for the {_PHASES[slowest]}"
        yield Finding("warning", name, what, _quicker(server))


_PHASES = {"start": "process to run", "handshake": "handshake", "tools": "list of its tools"}
_FETCHING = frozenset({"npx", "uvx", "pipx", "bunx", "pnpx"})


def _quicker(server: ServerFacts) -> str:
    program = "" if server.command is None else server.command.program
    if program.rsplit("/", 1)[-1] in _FETCHING:
        return f"`{program}` looks for the package each time: install it, and name its own command"
    return f'`start = "eager"` under [mcp_servers.{server.name}] starts it before it is needed'


def _client(client: ClientFacts, facts: Facts) -> Iterator[Finding]:
    again = f"`mcpool install {client.name}`"
    missing = sorted({entry.command for entry in client.entries if entry.command and not entry.command_found})
    for command in missing:
        yield Finding(
            "error", client.name, f"{client.file} starts {command}, which is not there", f"{again} writes it anew"
        )
    for entry in client.entries:
        if entry.server and facts.configured and entry.server not in facts.configured:
            what = f"`{entry.key}` in {client.file} is for `{entry.server}`, which is not configured"
            yield Finding("error", client.name, what, f"add it to {facts.config_file}, or {again}")
    if client.own:
        names = ", ".join(f"`{key}`" for key, _ in client.own)
        what = f"it starts {names} by itself, beside mcpool"
        yield Finding("warning", client.name, what, f"{again} lets it use mcpool's")
    yield from _tool_count(client, facts)


def _tool_count(client: ClientFacts, facts: Facts) -> Iterator[Finding]:
    tools = {
        server.name: max((process.tools or 0 for process in server.processes), default=0) for server in facts.servers
    }
    counts = {entry: _offered(entry, tools) for entry in client.entries}
    total, limit = sum(counts.values()), TOOL_LIMITS.get(client.name, MOST_TOOLS)
    if total <= limit:
        return
    most = max(counts, key=lambda entry: counts[entry])
    what = f"mcpool gives it {total} tools, and it takes {limit}; `{most.key}` alone has {counts[most]}"
    shorter = (
        f"`?tools=search` behind the URL of `{most.key}`"
        if most.command is None
        else f'`"connect", "{most.server}?tools=search"` in the entry `{most.key}`'
    )
    remedy = f"{shorter} has its tools searched for instead of listed"
    if most.server:
        remedy += f'; `enabled_tools = ["..."]` under [mcp_servers.{most.server}] keeps those you use'
    yield Finding("warning", client.name, what, remedy)


def _offered(entry: ClientEntry, tools: Mapping[str, int]) -> int:
    names = entry.servers if entry.servers is not None else tools if not entry.server else (entry.server,)
    count = sum(tools.get(name, 0) for name in names)
    searched = entry.search or (entry.max_tools is not None and count > entry.max_tools)
    return min(count, _SEARCHING) if searched else count


def _strays(facts: Facts) -> Iterator[Finding]:
    for stray in facts.strays:
        count = "" if stray.processes == 1 else f", {stray.processes} processes"
        memory = "" if stray.memory is None else f", {stray.memory / 1e6:.0f} MB"
        which = f"(pid {stray.pid}{count}{memory})"
        starter = stray.started_by
        match starter.kind:
            case "program":
                own = (c.name for c in facts.clients if any(stray.server == ours for _, ours in c.own))
                what = f"{starter.name} runs a copy of its own {which}"
                remedy = f"`mcpool install {next(own, 'CLIENT')}`, then start that client anew"
            case "unit":
                what = f"{starter.name}, a unit of systemd, runs a copy of its own {which}"
                remedy = "stop and disable that unit, if those who use it can come through mcpool"
            case "gone":
                what = f"a copy of it runs {which} that nobody uses any more: what started it is gone"
                remedy = f"`kill {stray.pid}`"
            case "unclear":
                where = f" in {starter.name}" if starter.name else ""
                what = f"a copy of it runs{where} {which} that perhaps nobody uses any more"
                remedy = f"`kill {stray.pid}`, if nobody does"
        yield Finding("warning", stray.server, what, remedy)
