"""All who contribute servers to the threads of a host, and what that comes to for each (`threads.facts.Projector`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mcpool.catalog.contribution import Contribution, Owner, Source
from mcpool.catalog.projection import Projection, Resolution, resolve
from mcpool.config import Config
from mcpool.config.expand import Secret
from mcpool.config.loading import keyring
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.config.trust import TRUSTED
from mcpool.host.extensions import Extensions
from mcpool.host.managed import read_managed, unreadable
from mcpool.host.projects import Project, Projects
from mcpool.plugins.installed import InstalledPlugins
from mcpool.plugins.shelf import OnlyHere, Places, Shelf
from mcpool.threads.facts import ThreadFacts
from mcpool.world.surroundings import SkillText, Surroundings

MANAGED_FILE = Path("/etc/mcpool/config.toml")
MANAGED_VARIABLE = "MCPOOL_MANAGED_CONFIG"
"""Names another file in place of `MANAGED_FILE`."""


class Contributors:
    """The administrator, the user, projects, plugins, whoever opened the thread, and extensions of the program."""

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str],
        extensions: Extensions,
        *,
        with_projects: bool,
        connectors: Callable[[], ServerConfig | None] = lambda: None,
        places: Places | None = None,
        secret: Secret | None = None,
    ) -> None:
        """`with_projects`: folders of threads may bring servers of their own, and installed plugins count.

        `connectors` is the server for connectors that the user configured. `places`: where capability roots may be; on
        this machine only, if None. `secret` answers `${keyring:NAME}` (the system's keyring if None).
        """
        self._home = home
        self._environ = environ
        self._secret = secret or keyring()
        self._projects = Projects(home, environ, self._secret) if with_projects else None
        self._extensions = extensions
        self._connectors = connectors
        self._places = OnlyHere() if places is None else places
        self._shelf = Shelf(self._places, environ, InstalledPlugins(home) if with_projects else None)
        self._managed = self.read_managed()

    def read_managed(self) -> Config:
        """What the administrator's file says. Blocks; any thread may call it."""
        return read_managed(self._managed_file, home=self._home, environ=self._environ, secret=self._secret)

    def take(self, managed: Config) -> None:
        """Use this as what the administrator's file says, and look at projects and plugins anew.

        If the file cannot be read at all, it counts as it was read last.
        """
        self._managed = replace(self._managed, problems=managed.problems) if unreadable(managed) else managed
        self._shelf.forget()
        if self._projects is not None:
            self._projects.forget()

    @property
    def files(self) -> frozenset[Path]:
        """The files that it is read from, whether they exist or not."""
        own = {self._managed_file, self._home / TRUSTED, *self._shelf.files}
        return frozenset(own if self._projects is None else own | self._projects.files)

    @property
    def _managed_file(self) -> Path:
        return Path(self._environ.get(MANAGED_VARIABLE) or MANAGED_FILE)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with anything but the user's own configuration."""
        found = [*self._managed.problems, *self._extensions.problems, *self._shelf.problems]
        if self._projects is not None:
            for problems in self._projects.notices.values():
                found.extend(problems)
        return tuple(found)

    def project_of(self, cwd: str) -> Project | None:
        """The project around a folder. Reads files. Raises: as `project`."""
        return None if self._projects is None else self._projects.read(cwd)

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projection:
        """What a thread has. Raises: ConfigError, if it cannot be said which projects are trusted."""
        return (await self.resolve(servers, thread)).projection

    async def resolve(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Resolution:
        """What a thread has, and how it came about. Raises: as `project`."""
        project = None if self._projects is None else await self._projects.of(thread.cwd)
        handles = dict(self._places.handles())
        selected = await self._shelf.selected(thread, thread.roots, handles)
        installed = await self._shelf.installed()
        claims = self._claims(servers, thread, project)
        for source, several in ((Source.PLUGIN, installed), (Source.SELECTED_PLUGIN, selected)):
            for contents in several:
                claims += _of(Owner(source, contents.id), contents.servers)
        connectors = [connector for contents in (*selected, *installed) for connector in contents.connectors]
        server = self._connector_server
        if connectors and server is not None:
            claims += _of(Owner(Source.CONNECTOR), (server,))
        if thread.only is not None:
            claims = [claim for claim in claims if claim.server.name in thread.only]
        rules = self._managed.requirements
        return resolve(
            claims,
            environments=handles,
            connectors=connectors,
            refusal=self._refusal,
            restriction=None if rules is None else rules.approval_mode,
        )

    async def read_plugins(self) -> None:
        """Read the plugins that are installed, if something may have changed."""
        await self._shelf.installed()

    @property
    def more_servers(self) -> tuple[ServerConfig, ...]:
        """The servers of the administrator and of installed plugins, as they were read last; of equals the first."""
        found = {server.name: server for server in self._managed.servers}
        for contents in self._shelf.here:
            for server in contents.servers:
                found.setdefault(server.name, server)
        return tuple(found.values())

    def forbidden(self, servers: Iterable[ServerConfig], name: str) -> str | None:
        """Why the administrator does not let a server of this name run; None, if that is not so."""
        rules = self._managed.requirements
        if rules is None or any(server.name == name for server in self._managed.servers):
            return None
        refusals = [rules.refusal(server) for server in servers if server.name == name]
        return refusals[0] if refusals and all(refusals) else None

    def around(self, thread: ThreadFacts) -> Surroundings:
        """What there is to tell a thread of besides its servers, as it was resolved last (`threads.telling.Around`)."""
        found = self._shelf.surroundings(thread)
        return found if self._connector_server is not None else replace(found, connectors={})

    async def read_skills(self, thread: ThreadFacts, names: Collection[str]) -> Mapping[str, SkillText]:
        """The texts of the skills that are called so (`threads.mentions.ReadSkills`)."""
        return await self._shelf.texts(thread, names)

    @property
    def _connector_server(self) -> ServerConfig | None:
        return self._connectors() or self._managed.connectors

    def _claims(
        self, servers: Sequence[ServerConfig], thread: ThreadFacts, project: Project | None
    ) -> list[Contribution]:
        claims = _of(Owner(Source.USER), servers)
        claims += _of(Owner(Source.MANAGED), self._managed.servers)
        if project is not None:
            claims += _of(Owner(Source.PROJECT, str(project.file)), project.servers)
        claims += _of(Owner(Source.SESSION), thread.servers)
        for name, own in self._extensions.servers.items():
            claims += _of(Owner(Source.EXTENSION, name), own)
        return claims

    def _refusal(self, claim: Contribution) -> str | None:
        rules = self._managed.requirements
        if rules is None or claim.owner.source in (Source.MANAGED, Source.CONNECTOR):
            return None
        return rules.refusal(claim.server)


def _of(owner: Owner, servers: Iterable[ServerConfig]) -> list[Contribution]:
    return [Contribution(owner, server) for server in servers]
