"""Where the servers of a host come from: what was given to it, and all who contribute besides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcpool.config import Config, load
from mcpool.config.expand import Secret
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.environments.registry import Environments
from mcpool.host.contributors import Contributors
from mcpool.host.environments_file import EnvironmentsFile, EnvironmentsRead
from mcpool.host.extension import Extension
from mcpool.host.extensions import Extensions

logger = logging.getLogger("mcpool")

Source = Path | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What stood in the files of a host when they were read."""

    own: Config
    managed: Config
    environments: EnvironmentsRead

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any of the files."""
        _, environments = self.environments
        return self.own.problems + self.managed.problems + environments


class Configuration:
    """Reads it, and reads it again."""

    def __init__(
        self,
        source: Source,
        home: Path,
        environ: Mapping[str, str],
        *,
        secret: Secret,
        projects: bool,
        extensions: Sequence[Extension],
        environments: Environments,
    ) -> None:
        """Reads it, and blocks for as long as a locked keyring is waited for; any thread may. Then comes `begin`.

        Raises: ConfigError, if nothing of it can be used.
        """
        self._source = source
        self._home = home
        self._environ = environ
        self._secret = secret  # one for all that is read: so a keyring that is locked is waited for once
        self._environments = EnvironmentsFile(home, environ, environments, self._secret)
        self.current = self._load(source)
        """What was read last and could be used."""
        self.current.require()
        for problem in self.current.problems:
            logger.warning("%s", problem)
        self.extensions = Extensions(extensions, self._load)
        self.contributors = Contributors(
            home,
            environ,
            self.extensions,
            with_projects=projects,
            connectors=lambda: self.current.connectors,
            places=environments,
            secret=self._secret,
        )
        self._environments_read = self._environments.read()
        self._taken = 0

    def begin(self) -> None:
        """Add the environments that were read. On the event loop."""
        self._environments.take(self._environments_read)
        for problem in self._environments.problems:
            logger.warning("%s", problem)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any of it."""
        return self.current.problems + self.contributors.problems + self._environments.problems

    @property
    def files(self) -> frozenset[Path]:
        """The files that it is read from, whether they exist or not."""
        own = self._source if isinstance(self._source, Path) else self._home / "config.toml"
        return self.contributors.files | {own, self._environments.path}

    def read(self, source: Source) -> Reading:
        """Read it, or another source in its place. Blocks, for as long as a locked keyring is waited for; any thread
        may call it."""
        own = self._load(source if source is not None else self._source)
        return Reading(own, self.contributors.read_managed(), self._environments.read())

    async def read_beside(self, source: Source) -> Reading:
        """`read`, beside the event loop; anew, if something was taken meanwhile that may be newer."""
        while True:
            taken = self._taken
            reading = await asyncio.to_thread(self.read, source)
            if taken == self._taken:
                return reading

    def take(self, reading: Reading, before: Sequence[ServerConfig]) -> tuple[ServerConfig, ...] | None:
        """Use what was read from now on. Returns the servers to use in place of those `before`.

        None in their place: nothing is to change, because nothing of it can be used. A server with an error keeps its
        definition of before.
        """
        self._taken += 1
        self._environments.take(reading.environments)
        config = reading.own
        if not config.servers and any(problem.severity == "error" for problem in config.problems):
            return None
        spared = _spared([*before, *_listed(self.current.connectors)], config)
        if any(server.connectors for server in spared):
            config = replace(config, connectors=self.current.connectors)
        self.current = config
        self.contributors.take(reading.managed)
        return (*config.servers, *(server for server in spared if not server.connectors))

    def given(self, source: Mapping[str, Any]) -> tuple[ServerConfig, ...]:
        """The servers of a dict. Raises: ConfigError, if nothing of it can be used."""
        config = self._load(source)
        config.require()
        return config.servers

    def _load(self, source: Source) -> Config:
        return load(source, home=self._home, environ=self._environ, secret=self._secret)


def _listed(server: ServerConfig | None) -> list[ServerConfig]:
    return [] if server is None else [server]


def _spared(before: Sequence[ServerConfig], config: Config) -> list[ServerConfig]:
    """Servers that run on as they are, because what is written of them now is wrong."""
    read = {server.name for server in (*config.servers, *_listed(config.connectors))}
    wrong = [problem for problem in config.problems if problem.severity == "error"]
    return [s for s in before if s.name not in read and any(problem.concerns(s.name) for problem in wrong)]
