"""The executors of `environments.toml`, taken over as they are edited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mcpool.config.environments import FILE_NAME, EnvironmentConfig, load_environments
from mcpool.config.expand import Secret
from mcpool.config.problem import Problem
from mcpool.environments.registry import Environments

EnvironmentsRead = tuple[tuple[EnvironmentConfig, ...], tuple[Problem, ...]]


class EnvironmentsFile:
    """Keeps the environments of a host as the file says. One that is wrong now stays as it was."""

    def __init__(self, home: Path, environ: Mapping[str, str], environments: Environments, secret: Secret) -> None:
        """`secret` answers `${keyring:NAME}`."""
        self.path = home / FILE_NAME
        self.environments = environments
        self.problems: tuple[Problem, ...] = ()
        """What is wrong with it."""
        self._environ = environ
        self._secret = secret
        self._current: dict[str, EnvironmentConfig] = {}

    def read(self) -> EnvironmentsRead:
        """What stands in it, and what is wrong with it. Blocks; any thread may call it."""
        return load_environments(self.path, self._environ, secret=self._secret)

    def take(self, found: EnvironmentsRead) -> None:
        """Take over what changed."""
        configs, self.problems = found
        read = {config.id: config for config in configs}
        wrong = [problem for problem in self.problems if problem.severity == "error"]
        unusable = any(not problem.key or problem.key == "environments" for problem in wrong)
        spared = {
            id: config
            for id, config in self._current.items()
            if id not in read and (unusable or any(problem.concerns(id) for problem in wrong))
        }
        self._current = read | spared
        self.environments.keep(self._current.values())
