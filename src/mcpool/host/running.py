"""Everything that one host runs, opened and closed as one."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mcpool import telemetry
from mcpool.backend.catalogues import Catalogues
from mcpool.config.expand import Secret
from mcpool.config.server import ServerConfig
from mcpool.environments.registry import Environments, open_environments
from mcpool.host.approval_file import ApprovalFile
from mcpool.host.attach import attached
from mcpool.host.availability import Availability, environment_facts
from mcpool.host.catalogue_files import catalogue_files
from mcpool.host.client_info import CLIENT_INFO
from mcpool.host.configuration import Configuration, Source
from mcpool.host.extension import Extension
from mcpool.host.extensions import Extensions, sections_alone
from mcpool.host.resolve import LocalResolver
from mcpool.host.resolve_there import PlacedResolver
from mcpool.host.signing_in import PersonSigningIn
from mcpool.host.spawning import spawner
from mcpool.host.ways import ways_of
from mcpool.launch.place import open_local
from mcpool.oauth.sign_in import SignIns
from mcpool.oauth.store import GrantStore
from mcpool.oauth.way import Ways
from mcpool.pool.pool import Pool
from mcpool.pool.resolver import Resolver
from mcpool.threads.approvals import Keeper
from mcpool.threads.facts import ConfigurationAlone, Projector, ThreadFacts
from mcpool.threads.ids import Ids
from mcpool.threads.manager import ThreadManager
from mcpool.threads.mentions import no_skills
from mcpool.threads.signing_in import nobody_signs_in
from mcpool.threads.telling import nothing_else
from mcpool.world.surroundings import Surroundings
from mcpool.world.world_state import OUR_SECTIONS


@dataclass(frozen=True, slots=True)
class Plan:
    """What a host is to run. The arguments are explained at `mcpool.open`."""

    source: Source
    attach: bool
    environ: Mapping[str, str]
    secret: Secret
    grace: float
    unload_after: float
    extensions: Sequence[Extension]
    projects: bool


@dataclass(frozen=True, slots=True)
class Own:
    """What a host has that runs servers of its own."""

    configuration: Configuration
    environments: Environments
    resolver: PlacedResolver
    grants: GrantStore
    sign_ins: SignIns
    ways: Ways

    def around(self, thread: ThreadFacts) -> Surroundings:
        """What there is to tell a thread of besides its servers (`threads.telling.Around`)."""
        found = self.configuration.contributors.around(thread)
        return replace(found, environments=environment_facts(self.environments, thread.roots))

    def signing_in(self, pool: Pool, environ: Mapping[str, str]) -> PersonSigningIn:
        """What has persons sign in to servers of that pool."""
        return PersonSigningIn(pool, self.grants, self.sign_ins, self.ways, environ)


@dataclass(frozen=True, slots=True)
class Running:
    """What runs."""

    pool: Pool
    threads: ThreadManager
    extensions: Extensions
    own: Own | None
    """None: it is attached to a daemon, and uses the servers of that."""


@asynccontextmanager
async def run(plan: Plan, home: Path) -> AsyncGenerator[Running]:
    """Run it until the block is left, in the task that entered it. Raises: as `mcpool.open` says."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        own: Own | None = None
        resolver: Resolver
        projector: Projector
        servers: Sequence[ServerConfig]
        keeper: Keeper | None = None
        if plan.attach:
            extensions = Extensions(plan.extensions, sections_alone)
            resolver, servers = await attached(home)
            projector = ConfigurationAlone()
        else:
            own = await stack.enter_async_context(_own(plan, home))
            configuration = own.configuration
            extensions, resolver = configuration.extensions, own.resolver
            servers, projector = configuration.current.servers, configuration.contributors
            keeper = ApprovalFile(lambda: configuration.current)
            await configuration.contributors.read_plugins()
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        spawn = spawner(tasks)
        pool = Pool(
            resolver,
            client_info=CLIENT_INFO,
            spawn=spawn,
            chance=random.random,
            new_lease_id=lambda: secrets.token_urlsafe(16),
            loop=loop,
            telemetry=telemetry.find(plan.environ),
            catalogues=Catalogues(catalogue_files(home, spawn)),
        )
        stack.push_async_callback(pool.close)
        threads = ThreadManager(
            pool,
            servers,
            grace=plan.grace,
            unload_after=plan.unload_after,
            new_id=Ids(),
            projector=projector,
            spawn=spawn,
            loop=loop,
            around=nothing_else if own is None else own.around,
            read_skills=no_skills if own is None else own.configuration.contributors.read_skills,
            sections=lambda: (*OUR_SECTIONS, *extensions.sections),
            keeper=keeper,
            signing_in=nobody_signs_in if own is None else own.signing_in(pool, plan.environ),
        )
        stack.push_async_callback(threads.close)
        if own is not None:
            own.environments.listen(Availability(own.environments, threads.invalidate).changed)
        yield Running(pool, threads, extensions, own)


@asynccontextmanager
async def _own(plan: Plan, home: Path) -> AsyncGenerator[Own]:
    async with AsyncExitStack() as stack:
        # The launcher is there first: what it keeps open is used by everything that follows, to its end.
        launcher = await stack.enter_async_context(open_local(home, plan.environ))
        environments = await stack.enter_async_context(open_environments(launcher.log, plan.environ))
        configuration = await asyncio.to_thread(
            Configuration,
            plan.source,
            home,
            plan.environ,
            secret=plan.secret,
            projects=plan.projects,
            extensions=plan.extensions,
            environments=environments,
        )
        configuration.begin()
        grants = GrantStore(home, configuration.current.oauth_store)
        ways = ways_of(environments, plan.environ)
        sign_ins = SignIns(grants, ways)
        stack.push_async_callback(sign_ins.close)
        here = LocalResolver(launcher, plan.environ, sign_ins)
        resolver = PlacedResolver(here, environments, plan.environ, sign_ins)
        yield Own(configuration, environments, resolver, grants, sign_ins, ways)
