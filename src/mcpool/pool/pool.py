"""All backends of a host, by identity and scope. Leases say who needs them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from mcpool.backend.backend import Backend
from mcpool.backend.catalogues import Catalogues
from mcpool.backend.client_side import capability_class
from mcpool.backend.eras import Eras
from mcpool.backend.generations import Spawn
from mcpool.backend.holder import Holder
from mcpool.backend.restarts import Budget
from mcpool.backend.sharing import Sharing
from mcpool.backend.terms import Terms
from mcpool.catalog.identity import Identity
from mcpool.config.server import Definition, Http, ServerConfig, Stdio
from mcpool.errors import Closed, ServerNotFound
from mcpool.pool.entry import Entry
from mcpool.pool.habits import Asking, Habits
from mcpool.pool.idling import LOOK_AGAIN, seconds_until_stop
from mcpool.pool.lease import Lease
from mcpool.pool.resolver import Circumstances, Resolved, Resolver
from mcpool.pool.sharing import Key, key_of
from mcpool.pool.succession import DRAIN_MOST, Succession
from mcpool.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Member:
    """Whose lease it is."""

    thread: str
    root: str
    """Names its session tree."""
    cwd: str
    principal: str


class Pool:
    """Owns every backend. `spawn` starts tasks in the host's task group, which outlives the pool.

    All methods must be called from the host's event loop.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        client_info: bytes,
        spawn: Spawn,
        chance: Callable[[], float],
        loop: asyncio.AbstractEventLoop,
        new_lease_id: Callable[[], str] | None = None,
        telemetry: Telemetry | None = None,
        catalogues: Catalogues | None = None,
    ) -> None:
        """`chance` gives random numbers in [0, 1), `new_lease_id` what servers that keep state know a thread by."""
        self._resolver = resolver
        self._client_info = client_info
        self._spawn = spawn
        self._loop = loop
        self._telemetry = telemetry
        if telemetry is not None:
            telemetry.watch(self)
        self._entries: dict[Key, Entry] = {}
        self._retired: set[Entry] = set()
        """Replaced ones that are still held."""
        self._going: set[Entry] = set()
        """Those that nobody holds any more and whose processes are being ended."""
        self._eras = Eras()
        self._habits = Habits()
        self._catalogues = Catalogues() if catalogues is None else catalogues
        self._chance = chance
        self._new_lease_id = new_lease_id
        self.on_isolated: Callable[[], None] | None = None
        """Called when threads that share a server shall each have their own: with the next lease they get it."""
        self.lives = 0
        """How many connections ended that were ready once."""
        self._closed = False

    def __repr__(self) -> str:
        running = sum(entry.backend.running for entry in self)
        leases = sum(entry.backend.holders.leases for entry in self)
        return f"<Pool [{len(self._entries)} backends, {running} running, {leases} leases]>"

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, replaced ones that are still held included."""
        return iter([*self._entries.values(), *self._retired])

    def count(self) -> list[tuple[str, str, int]]:
        """Server, state and leases of each backend. Unlike all else it may be called from any OS thread."""
        found: list[tuple[str, str, int]] = []
        for entry in self:
            found.append((entry.config.name, entry.backend.state.value, entry.backend.holders.leases))
            found.extend((entry.config.name, backend.state.value, 0) for backend in entry.lanes.overflow)
        return found

    def acquire(self, server: ServerConfig, holder: Holder, member: Member) -> Lease:
        """Lease the backend that this thread shares for this server. Starts nothing.

        Raises:
            ServerUnavailable: the server cannot be resolved.
            Closed: the pool is closed.
        """
        if self._closed:
            raise Closed("the pool is closed")
        client = holder.client
        capabilities = capability_class(server.client_capabilities, client)
        resolved = self._resolver.resolve(
            server, Circumstances(member.cwd, member.principal, capabilities, client.roots)
        )
        scope = server.effective_scope
        if self._habits.of(resolved.identity) is Asking.UNASKED and server.when_asking != "decline":
            scope = "thread"
        key = key_of(resolved.identity, scope, thread=member.thread, root=member.root)
        terms = Terms(
            server=server.name,
            startup_timeout=server.startup_timeout,
            max_message_bytes=server.max_message_bytes,
            client_info=self._client_info,
            capabilities=capabilities,
            roots=client.roots if resolved.offers_roots else None,
            connectors=server.connectors,
            budget=_budget(server),
            new_lease_id=self._new_lease_id if isinstance(server.transport, Stdio) else None,
            heartbeat=server.heartbeat,
        )
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = self._enter(key, server, resolved, terms)
        entry.config = server
        entry.outdated = False
        entry.held[server.name] += 1
        entry.lanes.adapt(terms)
        entry.backend.holders.add(holder)
        if any(other.key == key and other.backend.running for other in self._retired):
            entry.backend.begin()  # it takes the place of one that runs
        self._watch_use(entry)
        return Lease(self, entry, holder, server.name)

    def _enter(self, key: Key, server: ServerConfig, resolved: Resolved, terms: Terms) -> Entry:
        way = Succession(lambda: entry, lambda: (*self, *self._going), self._see_off)

        def open(sharing: Sharing) -> Backend:
            # Every process of an entry is like the others; what is view is taken over by `adapt`.
            return Backend(
                terms,
                resolved.opener,
                sharing,
                way,
                key=resolved.identity,
                eras=self._eras,
                known=known,
                spawn=self._spawn,
                chance=self._chance,
                on_roots_wanted=lambda: self._resolver.learned_roots(server),
                on_state_lost=self._count_life,
                loop=self._loop,
                telemetry=self._telemetry,
            )

        known = self._catalogues.of(resolved.identity)
        if resolved.era is not None and self._eras.of(resolved.identity) is None:
            self._eras.learn(resolved.identity, resolved.era)
        entry = Entry(
            key,
            server,
            open,
            habits=self._habits,
            on_isolated=lambda: self._isolate(key.identity),
            spawn=self._spawn,
            loop=self._loop,
        )
        return entry

    def released(self, entry: Entry, lease: Lease) -> None:
        """Take a lease back; called by the lease."""
        backend = entry.backend
        entry.lanes.leave(lease.holder)
        entry.held -= Counter((lease.server,))
        entry.last_released = self._loop.time()
        if self._closed:
            return
        if backend.holders:
            self._watch_use(entry)
        elif entry.retired:
            self._retired.discard(entry)
            self._stop(entry)
        elif entry.key.within or entry.outdated:
            self.retire(entry)  # nobody else may ever lease it, or is configured to
        else:
            self._watch_use(entry)

    def retire(self, entry: Entry) -> None:
        """Replace a backend: the next lease makes a new one; this one ends with its last lease."""
        if entry.retired:
            return
        entry.retired = True
        if entry.timer is not None:
            entry.timer.cancel()
        self._entries.pop(entry.key, None)
        if entry.backend.holders:
            self._retired.add(entry)
        else:
            self._stop(entry)

    def supersede(self, definitions: Collection[Definition]) -> None:
        """Servers are no longer defined so: what runs for them takes no new leases and ends with its last one."""
        for entry in list(self._entries.values()):
            if entry.config.definition in definitions:
                self.retire(entry)

    def clear(self, definitions: Collection[Definition]) -> None:
        """Servers are no longer defined so: what only idles for them ends. Of what is held see `Lease.outdate`."""
        for entry in list(self._entries.values()):
            if entry.config.definition in definitions and not entry.backend.holders:
                self.retire(entry)

    def forgive(self) -> None:
        """The configuration was applied, perhaps because of what was wrong: everything may be tried at once."""
        for entry in self:
            entry.backend.forgive()

    def reload(self) -> None:
        """Fresh processes are wanted: with their next lease programs that run get another one, and it is started.

        The old one goes with its last lease; if the other can't start beside it, when its calls are done.
        """
        for entry in list(self._entries.values()):
            if isinstance(entry.config.transport, Stdio):
                entry.backend.known.doubt()
                if entry.backend.running:
                    self.retire(entry)

    def _see_off(self, entry: Entry) -> asyncio.Task[None]:
        """End what stands in the way of its successor, when its calls are done."""
        self.retire(entry)
        if entry.ending is None:
            entry.ending = self._spawn(entry.lanes.give_way(DRAIN_MOST))
        return entry.ending

    def _stop(self, entry: Entry) -> None:
        entry.lanes.close()
        entry.ending = self._spawn(entry.backend.stop(retire=True))
        self._going.add(entry)
        entry.ending.add_done_callback(lambda _: self._going.discard(entry))

    def _isolate(self, identity: Identity) -> None:
        def act() -> None:
            for entry in [e for e in self._entries.values() if e.key.identity == identity and not e.key.exclusive]:
                self.retire(entry)
            if self.on_isolated is not None and not self._closed:
                self.on_isolated()

        self._loop.call_soon(act)  # it is said in the middle of what a connection reads

    def _count_life(self) -> None:
        self.lives += 1

    async def reconnect(self, server: str) -> None:
        """End the connections of one server and start them anew, for all who hold it.

        Raises:
            ServerNotFound: there is no backend of that name.
            ServerUnavailable: it could not be started again.
        """
        entries = [entry for entry in self._entries.values() if server in entry.names]
        if not entries:
            known = ", ".join(sorted({name for entry in self._entries.values() for name in entry.names})) or "none"
            raise ServerNotFound(server, f"it has no process, because nobody uses it; these have: {known}")
        await self._reconnect(entries)

    async def reconnect_those(self, concerned: Callable[[Entry], bool]) -> None:
        """As `reconnect`, for those that it is said of. Raises: ServerUnavailable."""
        await self._reconnect([entry for entry in self._entries.values() if concerned(entry)])

    async def _reconnect(self, entries: Collection[Entry]) -> None:
        for entry in entries:
            entry.backend.forgive()
            entry.lanes.drop_overflow()
            await entry.backend.stop(retire=False)
        # What was replaced meanwhile has a successor, which is new anyway.
        starts = (entry.backend.connected() for entry in entries if not entry.retired)
        for outcome in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self) -> None:
        """End every backend at once and wait until all are gone."""
        self._closed = True
        entries = list(self)
        self._entries.clear()
        self._retired.clear()
        for entry in entries:
            if entry.timer is not None:
                entry.timer.cancel()
            entry.lanes.close()
        await asyncio.gather(*(entry.backend.stop(retire=True) for entry in entries))

    # ------------------------------------------------------------------ stopping what nobody uses

    def _watch_use(self, entry: Entry) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if self._closed or entry.retired:
            return
        wait = seconds_until_stop(entry.use(), self._loop.time())
        if wait is not None:
            entry.timer = self._loop.call_later(wait, self._stop_if_unused, entry)

    def _stop_if_unused(self, entry: Entry) -> None:
        entry.timer = None
        wait = seconds_until_stop(entry.use(), self._loop.time())
        if wait is None or wait > 0:
            self._watch_use(entry)
            return
        if not entry.backend.holders:
            del self._entries[entry.key]
            entry.retired = True
            self._stop(entry)
            return
        if entry.backend.running:
            self._spawn(entry.backend.stop(retire=False))
        look_again = max(entry.config.idle_timeout, LOOK_AGAIN)
        entry.timer = self._loop.call_later(look_again, self._stop_if_unused, entry)


def _budget(server: ServerConfig) -> Budget:
    """An endpoint that cannot be reached costs nothing to try, for as long as a caller would wait for it."""
    patience = server.startup_timeout if isinstance(server.transport, Http) else 0.0
    return Budget(server.restart_max, server.restart_window, patience)
