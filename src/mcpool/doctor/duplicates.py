"""Which processes of a machine run a configured server without mcpool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcpool.config.known_servers import program_names

_ANYBODY = frozenset(
    {
        "index.js",
        "server.js",
        "main.js",
        "cli.js",
        "index.mjs",
        "server.mjs",
        "main.py",
        "server.py",
        "__main__.py",
        "app.py",
    }
)
"""Names of scripts that say nothing about whose they are."""


@dataclass(frozen=True, slots=True)
class Running:
    """One process: `argv` is its command line, `ours` whether mcpool started it."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """A tree of processes that runs a server; `pids` begins with its root."""

    server: str
    pids: tuple[int, ...]
    started_by: str | None
    """The nearest program above that is no shell; None if it is gone."""


def copies(processes: Iterable[Running], servers: Mapping[str, Sequence[str]]) -> list[Copy]:
    """The copies of servers, given by name with their command lines, among these processes."""
    by_pid = {process.pid: process for process in processes}
    children: dict[int, list[int]] = {}
    for process in by_pid.values():
        children.setdefault(process.parent, []).append(process.pid)
    alike = {
        pid: server
        for pid, process in by_pid.items()
        if not process.ours and (server := _server_of(process.argv, servers)) is not None
    }
    found: list[Copy] = []
    for pid, server in sorted(alike.items()):
        if not any(above in alike for above in _above(pid, by_pid)):
            found.append(Copy(server, tuple(_tree(pid, children)), _starter(pid, by_pid)))
    return found


def same_server(running: Sequence[str], configured: Sequence[str]) -> bool:
    """Whether a command line is that of a configured server, or of what its launcher started: name and arguments."""
    words = running[0].split() if len(running) == 1 else list(running)  # npm joins them in the title of its process
    names = program_names(words) & program_names(configured)
    if not names:
        return False
    if not names <= _ANYBODY:
        return _arguments(words, names) == _arguments(configured, names)
    return words == list(configured)


def _server_of(argv: Sequence[str], servers: Mapping[str, Sequence[str]]) -> str | None:
    return next((name for name, configured in servers.items() if argv and same_server(argv, configured)), None)


def _arguments(argv: Sequence[str], names: frozenset[str]) -> list[str]:
    """What follows the word that names the server."""
    for index, word in enumerate(argv):
        if names & program_names([word]):
            return list(argv[index + 1 :])
    return []


def _above(pid: int, by_pid: Mapping[int, Running]) -> Iterable[int]:
    seen = {pid}
    while (process := by_pid.get(pid)) is not None and process.parent not in seen:
        pid = process.parent
        seen.add(pid)
        yield pid


def _tree(root: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    tree = [root]
    for pid in tree:
        tree += [child for child in children.get(pid, ()) if child not in tree]
    return tree


_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "fish"})


def _starter(pid: int, by_pid: Mapping[int, Running]) -> str | None:
    for above in _above(pid, by_pid):
        process = by_pid.get(above)
        words = process.argv[0].split() if process is not None and process.argv else []
        name = words[0].rsplit("/", 1)[-1].lstrip("-") if words else ""
        if above > 1 and name and name not in _SHELLS:
            return f"{name} (pid {above})"
    return None
