"""What `mcpool doctor` knows before it judges. Plain values; times in seconds, memory in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcpool.config.problem import Problem
from mcpool.doctor.duplicates import Starter


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process or connection of a server, as the daemon sees it."""

    state: str
    pid: int | None = None
    error: str | None = None
    last_words: str = ""
    era: str | None = None
    revision: str | None = None
    capabilities: tuple[str, ...] = ()
    tools: int | None = None
    phases: Mapping[str, float] | None = None
    """Of its start: `start`, `handshake`, `tools`."""
    restarts: int = 0
    memory: int | None = None
    why: tuple[str, ...] = ()
    """Why it is a process of its own, beside the first."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """The command of a server that is started here."""

    program: str
    """Without its arguments, in which secrets may be."""
    path: str
    """The PATH that it is looked for on."""
    path_from: str
    """Whose PATH that is."""
    found: str | None
    why_not: str | None = None
    """What stands in the way, with what to do."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One configured server."""

    name: str
    enabled: bool
    command: CommandFacts | None = None
    host: str | None = None
    """Of a server that has a URL."""
    keeps_state: str | None = None
    """What its threads share although nobody chose that."""
    startup_timeout: float = 30.0
    start_error: str | None = None
    """Why it could not be used just now."""
    processes: tuple[ProcessFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """One entry of ours in a client's file."""

    key: str
    server: str
    """"" for all servers at once."""
    command: str | None
    """The program that the client starts; None if it uses a URL."""
    command_found: bool = True
    servers: tuple[str, ...] | None = None
    """Those of all that it is limited to."""
    search: bool = False
    """Tools are searched for instead of listed."""
    max_tools: int | None = None
    """If there are more, they are searched for."""


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """One client that has a file on this machine."""

    name: str
    title: str
    file: str
    entries: tuple[ClientEntry, ...] = ()
    own: tuple[tuple[str, str], ...] = ()
    """Servers of ours that it starts by itself: what it calls each, and what we do."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A process that runs a configured server, and that mcpool did not start."""

    server: str
    pid: int
    started_by: Starter
    memory: int | None
    processes: int


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """The daemon of the home. `version` differs from ours if it was started by another mcpool."""

    pid: int
    version: str
    endpoint: str
    config: str | None
    problems: tuple[str, ...] = ()
    """Those that are not the configuration's."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    version: str
    config_file: str
    config_exists: bool
    problems: tuple[Problem, ...] = ()
    surroundings: tuple[str, ...] = ()
    """What went wrong with the login shell, or `.env`."""
    daemon: DaemonFacts | None = None
    daemon_error: str | None = None
    configured: frozenset[str] = frozenset()
    """The names of all servers."""
    servers: tuple[ServerFacts, ...] = ()
    """Those that were looked at."""
    clients: tuple[ClientFacts, ...] = ()
    strays: tuple[Stray, ...] = ()
