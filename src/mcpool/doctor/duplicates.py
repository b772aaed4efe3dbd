"""Which processes of a machine run a configured server without mcpool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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
    unit: str | None = ""
    """The unit of systemd that it is in; empty if it is in none, None if the system does not tell."""
    by_systemd: bool = False
    """Whether systemd says that it started this process itself."""


@dataclass(frozen=True, slots=True)
class Starter:
    """What started a process."""

    kind: Literal["program", "unit", "gone", "unclear"]
    """`unclear`: it cannot be told whether it is gone."""
    name: str = ""
    """The program with its pid, or the unit, where one is known."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A tree of processes that runs a server; `pids` begins with its root."""

    server: str
    pids: tuple[int, ...]
    started_by: Starter
    """The nearest above that is no shell."""


def copies(
    processes: Iterable[Running],
    servers: Mapping[str, Sequence[str]],
    others: Mapping[int, Sequence[str]] | None = None,
) -> list[Copy]:
    """The copies of servers, given by name with their command lines, among these processes.

    `others`: the command lines of processes above them that belong to other users.
    """
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
            found.append(Copy(server, tuple(_tree(pid, children)), _starter(pid, by_pid, others or {})))
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
_INITS = frozenset({"init", "systemd", "launchd", "tini", "dumb-init", "docker-init", "catatonit"})


def _starter(pid: int, by_pid: Mapping[int, Running], others: Mapping[int, Sequence[str]]) -> Starter:
    below = pid
    for above in _above(pid, by_pid):
        argv = by_pid[above].argv if above in by_pid else others.get(above, ())
        name = _program(argv)
        if name in _INITS:
            return _started_by_init(by_pid[below], is_first=above == 1)
        if above > 1 and name and name not in _SHELLS:
            return Starter("program", f"{name} (pid {above})")
        below = above
    return Starter("unclear")


def _program(argv: Sequence[str]) -> str:
    words = argv[0].split() if argv else []
    return words[0].rsplit("/", 1)[-1].lstrip("-") if words else ""


def _started_by_init(process: Running, *, is_first: bool) -> Starter:
    """Of a process whose parent is what takes over those whose parents are gone, and may have started it, too.

    systemd starts services, and never what is in a scope. But a program that a service started, and left, is in it too.
    """
    if process.unit is None:
        return Starter("unclear")
    if process.unit.endswith(".service"):
        return Starter("unit" if process.by_systemd else "unclear", process.unit)
    return Starter("gone" if is_first or process.unit else "unclear")
