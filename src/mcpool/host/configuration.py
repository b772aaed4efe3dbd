"""Where the servers of a host come from: what was given to it, and all who contribute besides."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcpool.config import Config, load
from mcpool.config.loading import keyring
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.host.contributors import Contributors
from mcpool.host.environments_file import EnvironmentsFile
from mcpool.host.extension import Extension
from mcpool.host.extensions import Extensions

logger = logging.getLogger("mcpool")

Source = Path | Mapping[str, Any] | None


class Configuration:
    """Reads it, and reads it again."""

    def __init__(
        self,
        source: Source,
        home: Path,
        environ: Mapping[str, str],
        *,
        projects: bool,
        extensions: Sequence[Extension],
        environments: EnvironmentsFile | None = None,
    ) -> None:
        """Raises: ConfigError, if nothing of it can be used."""
        self._source = source
        self._home = home
        self._environ = environ
        self._secret = keyring()
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
            places=None if environments is None else environments.environments,
        )
        self._environments = environments

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any of it."""
        environments = () if self._environments is None else self._environments.problems
        return self.current.problems + self.contributors.problems + environments

    @property
    def files(self) -> frozenset[Path]:
        """The files that it is read from, whether they exist or not."""
        own = self._source if isinstance(self._source, Path) else self._home / "config.toml"
        environments = set[Path]() if self._environments is None else {self._environments.path}
        return self.contributors.files | environments | {own}

    def read_again(
        self, source: Source, before: Sequence[ServerConfig]
    ) -> tuple[Config, tuple[ServerConfig, ...] | None]:
        """Read it, or another source. Returns that, and the servers to use in place of those `before`.

        None in their place: nothing is to change, because nothing of it can be used. A server with an error keeps its
        definition of before.
        """
        if self._environments is not None:
            self._environments.read()
        config = self._load(source if source is not None else self._source)
        if not config.servers and any(problem.severity == "error" for problem in config.problems):
            return config, None
        spared = _spared([*before, *_listed(self.current.connectors)], config)
        if any(server.connectors for server in spared):
            config = replace(config, connectors=self.current.connectors)
        self.current = config
        self.contributors.read_managed()
        return config, (*config.servers, *(server for server in spared if not server.connectors))

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
