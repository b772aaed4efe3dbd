"""The way to the network of an environment, for a command that needs it for a moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mcpool.config.environments import FILE_NAME, load_environments
from mcpool.config.expand import Secret
from mcpool.config.server import LOCAL
from mcpool.environments.registry import open_environments
from mcpool.errors import EnvironmentUnavailable
from mcpool.host.ways import ways_of
from mcpool.oauth.way import Way


@asynccontextmanager
async def way_from(environment: str, home: Path, environ: Mapping[str, str], secret: Secret) -> AsyncGenerator[Way]:
    """The way from there, over a connection of our own to its executor; `secret` answers `${keyring:NAME}`.

    Raises:
        EnvironmentUnavailable: there is no such environment, or its executor cannot be reached.
    """
    async with open_environments(_nothing_runs_there, environ) as environments:
        if environment != LOCAL:
            configs, problems = load_environments(home / FILE_NAME, environ, secret=secret)
            wanted = [config for config in configs if config.id == environment]
            for problem in problems:
                if not wanted and problem.severity == "error" and (problem.concerns(environment) or not configs):
                    raise EnvironmentUnavailable(environment, str(problem))
            environments.keep(wanted)
            await environments.reached(environment)
            environments.session(environment)
        yield ways_of(environments, environ)(environment)


def _nothing_runs_there(server: str, lines: list[bytes]) -> None:
    """No server is started, and so none has anything to log."""
