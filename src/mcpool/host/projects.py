"""The servers of projects: read where a thread is, used only if the user trusts the file as it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mcpool.config import load
from mcpool.config.document import Document, read_document
from mcpool.config.expand import Secret
from mcpool.config.problem import Problem
from mcpool.config.project import FILE, FOLDER, project_file
from mcpool.config.server import ServerConfig
from mcpool.config.shapes import find_entries
from mcpool.config.trust import Trust, TrustStore

logger = logging.getLogger("mcpool")

FRESH = 1.0
"""Seconds for which what was read counts without another look, unless somebody says that it changed."""

REMEMBERED = 1024
"""Folders."""


@dataclass(frozen=True, slots=True)
class Project:
    """The configuration of one project."""

    file: Path
    servers: tuple[ServerConfig, ...] = ()
    problems: tuple[Problem, ...] = ()
    trust: Trust = "trusted"


class Projects:
    """Reads the configuration of the project around a folder."""

    def __init__(self, home: Path, environ: Mapping[str, str], secret: Secret) -> None:
        """`secret` answers `${keyring:NAME}`."""
        self._home = home
        self._environ = environ
        self._secret = secret
        self._trust = TrustStore(home)
        self._read: dict[str, tuple[float, Project | None]] = {}
        self.notices: dict[Path, tuple[Problem, ...]] = {}
        """What is wrong with each file that was read last."""
        self._told: dict[Path, tuple[Problem, ...]] = {}

    async def of(self, cwd: str) -> Project | None:
        """The project that a folder belongs to; None if it belongs to none, or to one without a configuration.

        Raises:
            ConfigError: the list of trusted files cannot be read.
        """
        now = asyncio.get_running_loop().time()
        read_at, project = self._read.get(cwd, (-FRESH, None))
        if now - read_at > FRESH:
            project = await asyncio.to_thread(self.read, cwd)
            self._read[cwd] = (now, project)
            if len(self._read) > REMEMBERED:
                del self._read[next(iter(self._read))]
            if project is not None:
                self.notices[project.file] = project.problems
                self._tell(project)
        return project

    def _tell(self, project: Project) -> None:
        before = self._told.get(project.file, ())
        for problem in project.problems:
            if problem not in before:
                logger.warning("%s", problem)
        self._told[project.file] = project.problems

    def read(self, cwd: str) -> Project | None:
        """Like `of`, without memory."""
        return read_project(Path(cwd), self._home, self._environ, self._trust, self._secret)

    @property
    def files(self) -> frozenset[Path]:
        """Where the configuration of each folder that was asked for stands, or would."""
        own = {Path(cwd) / FOLDER / FILE for cwd in self._read}
        return frozenset(own | {project.file for _, project in self._read.values() if project is not None})

    def forget(self) -> None:
        """Something may have changed: read everything anew."""
        self._read = dict.fromkeys(self._read, (-FRESH, None))
        self.notices.clear()


def read_project(
    cwd: Path, home: Path, environ: Mapping[str, str], store: TrustStore, secret: Secret
) -> Project | None:
    """Read the configuration of the project around a folder. Raises: ConfigError, as `TrustStore.of`."""
    file = project_file(cwd, home)
    if file is None:
        return None
    document = read_document(file)
    if isinstance(document, Problem):
        return Project(file, problems=(document,))
    root = file.parent.parent
    trust = store.of(file, document.digest)
    if trust != "trusted":
        return Project(file, problems=(_untrusted(file, root, document, trust),), trust=trust)
    config = load(replace(document, folder=root), home=home, environ=environ, secret=secret)
    return Project(file, config.servers, config.problems)


def _untrusted(file: Path, root: Path, document: Document, trust: Trust) -> Problem:
    names = ", ".join(f"`{entry.name}`" for entry in find_entries(document, document.report())) or "no servers"
    what = "changed after you trusted it" if trust == "changed" else "is not trusted"
    return Problem(
        "warning",
        str(file),
        None,
        "",
        f"{what}, so nothing of it runs: it describes {names}",
        f"look at it, and if you want them, `mcpool trust {root}`",
    )
