"""The threads of a host, in memory: loaded ones and those that may be resumed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from mcpool.backend.holder import ClientFacts
from mcpool.config.server import Definition, ServerConfig, approving
from mcpool.errors import ThreadNotFound
from mcpool.plugins.root import CapabilityRoot
from mcpool.pool.pool import Pool
from mcpool.runtime.approval import Authority
from mcpool.runtime.policy import OnApprove, Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.remembered import RememberedApprovals
from mcpool.runtime.tool_sets import ToolSets
from mcpool.threads.approvals import Approvals, Keeper
from mcpool.threads.facts import Projector, ThreadFacts
from mcpool.threads.kept import Kept
from mcpool.threads.life import Life, LifeEvent
from mcpool.threads.mentions import ReadSkills, no_skills
from mcpool.threads.seat import Listener
from mcpool.threads.signing_in import SigningIn, nobody_signs_in
from mcpool.threads.subscribers import OWNER, Subscribers
from mcpool.threads.telling import Around, nothing_else
from mcpool.threads.thread import Thread
from mcpool.threads.upkeep import Spawn
from mcpool.world.section import Section
from mcpool.world.world_state import OUR_SECTIONS


class ThreadManager:
    """Owns the threads; they share the pool, and what was approved for ever.

    A thread is loaded while somebody subscribes to it, and as long after that as is configured; then, or when it is
    archived, it lets its servers go, and `resume` takes them again. Who opens a thread subscribes to it.
    """

    def __init__(
        self,
        pool: Pool,
        servers: Sequence[ServerConfig],
        *,
        grace: float,
        unload_after: float,
        new_id: Callable[[], str],
        projector: Projector,
        spawn: Spawn,
        loop: asyncio.AbstractEventLoop,
        sections: Callable[[], Sequence[Section]] = lambda: OUR_SECTIONS,
        around: Around = nothing_else,
        read_skills: ReadSkills = no_skills,
        keeper: Keeper | None = None,
        signing_in: SigningIn = nobody_signs_in,
    ) -> None:
        """`sections` make up the world state of each new thread; `around` is what there is to tell besides the servers.
        `read_skills` reads those that the user names.

        `unload_after` seconds without a subscriber a thread is unloaded. `spawn` starts tasks that outlive it.
        `keeper` writes approvals to where `servers` come from; None: there is no such place. `signing_in` has persons
        sign in to servers.
        """
        self._pool = pool
        self._keeper = keeper
        self._servers = tuple(servers)
        self._grace = grace
        self._new_id = new_id
        self._projector = projector
        self._spawn = spawn
        self._sections = sections
        self._around = around
        self._read_skills = read_skills
        self._signing_in = signing_in
        self._sets = ToolSets()
        self._threads: dict[str, Thread] = {}
        self._openings = itertools.count(1)
        pool.on_isolated = self.invalidate
        self._subscribers = Subscribers(unload_after, self._unload_if_unused, loop)

    def __repr__(self) -> str:
        loaded = sum(thread.life is Life.LOADED for thread in self)
        return f"<ThreadManager [{len(self)} threads, {loaded} loaded]>"

    def __iter__(self) -> Iterator[Thread]:
        return iter(list(self._threads.values()))

    def __len__(self) -> int:
        return len(self._threads)

    def __contains__(self, id: object) -> bool:
        return id in self._threads

    def __getitem__(self, id: str) -> Thread:
        """A thread that is not closed.

        Raises:
            ThreadNotFound: there is none of this id.
        """
        thread = self._threads.get(id)
        if thread is None:
            raise ThreadNotFound(id)
        return thread

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers of the configuration, disabled ones included."""
        return self._servers

    def open(
        self,
        *,
        cwd: str,
        principal: str,
        client: ClientFacts,
        listener: Listener,
        on_approve: OnApprove | None = None,
        authority: Authority | None = None,
        remembered: RememberedApprovals | None = None,
        parent: Thread | None = None,
        beside: Thread | None = None,
        only: Collection[str] | None = None,
        servers: Sequence[ServerConfig] = (),
        roots: Sequence[CapabilityRoot] | None = None,
        id: str | None = None,
        kept: Kept | None = None,
    ) -> Thread:
        """Load a thread, which leases its servers soon. A `parent` makes it a sub-agent, of the same session tree;
        `beside` another makes it part of that conversation, which shares every process with it. `servers` come to those
        that everybody has. `kept`: what its model was told in a host before this one.

        Either has that thread's `roots` if it is given none, and, if it is given nobody to ask, asks whom that thread
        asks, and shares what they approved.

        Raises:
            ValueError: there is a thread of this id.
        """
        name = id or self._new_id()
        while id is None and name in self._threads:
            name = self._new_id()
        if name in self._threads:
            raise ValueError(f"a thread {name!r} is open already; close it, or choose another id")
        own = f"{name}#{next(self._openings)}"  # an id may be used again while what it stood for still has sub-agents
        kin = beside or parent
        facts = ThreadFacts(
            id=name,
            root=own if kin is None else kin.facts.root,
            conversation=own if beside is None else beside.facts.conversation,
            parent=None if parent is None else parent.id,
            cwd=cwd,
            principal=principal,
            client=client,
            only=None if only is None else frozenset(only),
            servers=tuple(servers),
            roots=tuple(roots) if roots is not None else () if kin is None else kin.facts.roots,
        )
        if remembered is None:
            remembered = RememberedApprovals() if kin is None or on_approve is not None else kin.approvals.remembered
        thread = Thread(
            facts,
            self._pool,
            self._sets,
            listener=listener,
            policy=_policy(on_approve, authority, kin),
            approvals=Approvals(listener, client, remembered=remembered, keeper=self),
            grace=self._grace,
            resolve=self._resolve,
            spawn=self._spawn,
            sections=self._sections(),
            around=self._around,
            read_skills=self._read_skills,
            kept=kept,
            signing_in=self._signing_in,
            on_close=self._forget,
        )
        self._threads[name] = thread
        self._subscribers.add(name, OWNER)
        return thread

    # ------------------------------------------------------------------ their lives

    def subscribe(self, id: str, subscriber: Hashable = OWNER) -> None:
        """Somebody watches a thread: it stays loaded. Safe to call twice.

        Raises:
            ThreadNotFound, Closed: there is none of this id, or it is not loaded: resume it.
        """
        thread = self[id]
        thread.ensure_loaded()
        self._subscribers.add(id, subscriber)

    def unsubscribe(self, id: str, subscriber: Hashable = OWNER) -> bool:
        """Somebody watches it no longer; False if they did not. After the last one it is unloaded, though not at once.

        A thread in the middle of a step is unloaded when that has ended; a new subscriber keeps it.

        Raises:
            ThreadNotFound: there is none of this id.
        """
        return self._subscribers.remove(self[id].id, subscriber)

    async def resume(self, id: str, subscriber: Hashable = OWNER) -> Thread:
        """Load a thread again, or join it where it is loaded, and subscribe to it.

        Raises:
            ThreadNotFound: there is none of this id.
            Closed: it is archived.
            ServerUnavailable: a required server could not be started; the thread is not loaded then.
        """
        thread = self[id]
        was_loaded = thread.life is Life.LOADED
        thread.undergo(LifeEvent.RESUME)
        self._subscribers.add(id, subscriber)
        try:
            await thread.require()
        except BaseException:
            if not was_loaded:
                self._unload(thread, LifeEvent.UNLOAD)
            raise
        return thread

    def archive(self, id: str) -> None:
        """Put a thread and its sub-agents away: they let their servers go. Steps that run go on.

        Raises:
            ThreadNotFound: there is none of this id.
        """
        for thread in self._with_sub_agents(self[id]):
            self._unload(thread, LifeEvent.ARCHIVE)

    def unarchive(self, id: str) -> None:
        """Let a thread and its sub-agents be resumed again. Nothing is leased or started.

        Raises:
            ThreadNotFound: there is none of this id.
        """
        for thread in self._with_sub_agents(self[id]):
            thread.undergo(LifeEvent.UNARCHIVE)

    def _with_sub_agents(self, thread: Thread) -> list[Thread]:
        found = [thread]
        for each in found:
            found += [other for other in self if other.facts.parent == each.id]
        return found

    def _unload_if_unused(self, id: str) -> bool:
        thread = self._threads[id]
        if thread.pins:
            return False
        self._unload(thread, LifeEvent.UNLOAD)
        return True

    def _unload(self, thread: Thread, event: LifeEvent) -> None:
        thread.undergo(event)
        self._subscribers.clear(thread.id)

    # ------------------------------------------------------------------ changes that concern them all

    def apply(self, servers: Sequence[ServerConfig]) -> None:
        """The configuration changed: let every thread have a runtime for it. Equal identities keep their process."""
        before, self._servers = self._servers, tuple(servers)
        self._pool.forgive()
        self._pool.clear(_definitions(before) - _definitions(servers))
        alone = {server.name for server in (*before, *servers) if not server.overlap}
        self._pool.supersede(
            {server.definition for server in before if server.name in alone}.difference(
                server.definition for server in servers
            )
        )
        self.invalidate()

    def reload(self) -> None:
        """Fresh processes are wanted: replace the pooled stdio backends for all. Old calls finish on the old ones."""
        self._pool.reload()
        self.apply(self._servers)

    def invalidate(self) -> None:
        """Something changed that the runtimes of all threads may depend on. They are brought up to date soon."""
        for thread in self:
            thread.invalidate()

    def can_keep(self, server: ServerConfig) -> bool:
        """Whether an approval for ever can be written to the configuration (threads.approvals.Keeper)."""
        return self._keeper is not None and self._keeper.can_keep(server)

    async def keep(self, server: ServerConfig, tool: str, digest: str) -> None:
        """Write an approval for ever, and have every thread go by it from its next step on.

        Raises:
            ConfigError: it could not be written.
        """
        if self._keeper is None:
            return
        await self._keeper.keep(server, tool, digest)
        self._servers = tuple(
            approving(ours, tool, digest) if (ours.name, ours.transport) == (server.name, server.transport) else ours
            for ours in self._servers
        )
        self.invalidate()

    async def settled(self) -> None:
        """Wait until every loaded thread has taken over what was changed before."""
        for thread in self:
            await thread.settled()

    async def close(self) -> None:
        """Close every thread."""
        for thread in self:
            await thread.close()

    async def _resolve(self, facts: ThreadFacts) -> Projected:
        return await self._projector.project(self._servers, facts)

    def _forget(self, thread: Thread) -> None:
        self._threads.pop(thread.id, None)
        self._subscribers.clear(thread.id)


def _definitions(servers: Iterable[ServerConfig]) -> set[Definition]:
    return {server.definition for server in servers if server.enabled}


def _policy(on_approve: OnApprove | None, authority: Authority | None, kin: Thread | None) -> Policy:
    if kin is not None and on_approve is None:
        return Policy(authority or kin.authority, kin.policy.on_approve)
    if authority is None:
        # A program that names nobody to ask wants nothing asked but what the configuration does.
        authority = Authority(default_mode="approve" if on_approve is None else "auto")
        if kin is not None:
            mode = kin.authority.default_mode
            authority = replace(kin.authority, default_mode="auto" if mode == "approve" else mode)
    return Policy(authority, on_approve)
