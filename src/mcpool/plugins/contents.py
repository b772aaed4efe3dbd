"""What a root holds, once it was read. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mcpool.catalog.connector import Connector
from mcpool.config.problem import Problem
from mcpool.config.server import LOCAL, ServerConfig


@dataclass(frozen=True, slots=True)
class Skill:
    """A bundle of instructions that a model may read."""

    name: str
    """As a model or a user names it: `PLUGIN:SKILL`, or the skill's own name where it belongs to no plugin."""
    description: str
    path: str
    """Of its SKILL.md."""
    environment: str = LOCAL


@dataclass(frozen=True, slots=True)
class Contents:
    """A root as it was read."""

    id: str
    """What all of it is attributed to."""
    root: str = ""
    """Its folder."""
    name: str = ""
    """What the plugin calls itself; empty: the root is no plugin, but a folder of skills."""
    description: str = ""
    servers: tuple[ServerConfig, ...] = ()
    skills: tuple[Skill, ...] = ()
    connectors: tuple[Connector, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What is wrong with any of it; that part is left out, and the rest is there."""
    files: frozenset[str] = field(default=frozenset(), repr=False)
    """What it was read from, and the folders in which more of it may appear."""


def with_spared(now: Contents, before: Contents) -> Contents:
    """What was read, with what stays as it was because what is written of it now is wrong: servers, or the whole."""
    wrong = [problem for problem in now.problems if problem.severity == "error"]
    if before.name and not now.name and any(not problem.key and problem.file != now.root for problem in wrong):
        # Nobody knows what its manifest says now. Reading that took too long saw no files, and they may change.
        return replace(before, problems=now.problems, files=now.files or before.files)
    read = {server.name for server in now.servers}
    spared = tuple(
        server
        for server in before.servers
        if server.name not in read
        and any(problem.concerns(server.name) or (not problem.key and problem.file == server.file) for problem in wrong)
    )
    return replace(now, servers=(*now.servers, *spared)) if spared else now
