"""What it takes to start one server, fully resolved: no variables, no defaults, no searching left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mcpool.wire.link import Link, Sink


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """One process to start. `env` is its complete environment, as sorted pairs."""

    server: str
    """The configured name, for messages and logs."""
    argv: tuple[str, ...]
    """Command and arguments; `argv[0]` is an absolute path, or a name that was not found on the PATH."""
    env: tuple[tuple[str, str], ...] = field(repr=False)
    cwd: str
    remote_env: tuple[str, ...] = ()
    """Names of variables that are added, with the values that they have where it is started, if that is elsewhere."""


class Launcher(Protocol):
    """Starts servers somewhere."""

    async def start(self, spec: LaunchSpec, sink: Sink) -> Link:
        """Start the process and return its link; `sink` hears of it from then on.

        Raises:
            ServerUnavailable: the command was not found, is not executable, or the folder does not exist.
        """
        ...
