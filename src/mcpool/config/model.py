"""A whole configuration as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcpool.config.client import ClientConfig
from mcpool.config.problem import Problem
from mcpool.config.requirements import Requirements
from mcpool.config.server import ServerConfig
from mcpool.config.table import Table
from mcpool.errors import ConfigError

OAuthStore = Literal["auto", "keyring", "file"]
"""Where sign-ins are kept; `auto` is the keyring if there is one that works."""


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """The `[daemon]` table."""

    port: int = 8377
    """TCP port on loopback; 0 takes any free one."""
    idle_exit: float = 1800.0
    """Seconds without clients after which the daemon leaves; 0 never."""


@dataclass(frozen=True, slots=True)
class Config:
    """What can be used of a configuration, and everything that is wrong with it."""

    servers: tuple[ServerConfig, ...] = ()
    """In the order in which they are written; those with an error are left out."""
    problems: tuple[Problem, ...] = ()
    daemon: DaemonConfig = DaemonConfig()
    path: Path | None = None
    """The file it came from; None for a dict, or when there is no file."""
    oauth_store: OAuthStore = "auto"
    """`mcp_oauth_credentials_store`."""
    requirements: Requirements | None = None
    """`[requirements]`, which counts in the administrator's file."""
    writable: Mapping[str, Table] = field(default_factory=dict[str, Table], repr=False)
    """The servers whose tables are ours to add to: those of a file of our own, not of another host or a dict. Each with
    what is written of how it is reached."""
    connectors: ServerConfig | None = None
    """`[connectors]`: the host's own server for connectors."""
    clients: Mapping[str, ClientConfig] = field(default_factory=dict[str, ClientConfig])
    """`[clients.NAME]`, by the names of their tokens."""

    def require(self) -> None:
        """Raises `ConfigError` if it has errors and no server is left of it."""
        errors = [str(problem) for problem in self.problems if problem.severity == "error"]
        if errors and not self.servers:
            raise ConfigError(errors)
