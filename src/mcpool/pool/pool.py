"""All backends of a host, by identity and scope. Leases say who needs them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Unpack

from mcpool.backend.backend import Backend, Spawn
from mcpool.backend.client_side import capability_class
from mcpool.backend.connection import Terms
from mcpool.backend.eras import Eras
from mcpool.backend.holder import Holder
from mcpool.backend.requests import Details, Fields
from mcpool.backend.restarts import Budget
from mcpool.backend.tools import Catalogue
from mcpool.catalog.identity import Identity
from mcpool.config.server import Http, ServerConfig
from mcpool.errors import Closed, ServerNotFound
from mcpool.pool.idling import LOOK_AGAIN, Use, seconds_until_stop
from mcpool.pool.resolver import Circumstances, Resolver
from mcpool.pool.sharing import Key, key_of
from mcpool.telemetry import Telemetry
from mcpool.wire.paging import read_pages

_REMEMBERED = 256
"""How many catalogues of stopped backends are remembered."""


@dataclass(frozen=True, slots=True)
class Member:
    """Whose lease it is."""

    thread: str
    root: str
    """The thread at the root of its session tree; itself if it is nobody's sub-agent."""
    cwd: str
    principal: str


class Entry:
    """A backend and what the pool knows about it."""

    __slots__ = ("backend", "config", "key", "last_released", "names", "retired", "timer")

    def __init__(self, key: Key, backend: Backend, config: ServerConfig, now: float) -> None:
        self.key = key
        self.backend = backend
        self.config = config
        self.names = {config.name}
        """Every name by which it was leased: servers that are configured alike are one."""
        self.retired = False
        self.last_released = now
        self.timer: asyncio.TimerHandle | None = None

    def use(self) -> Use:
        """How much it is used."""
        backend = self.backend
        return Use(
            leases=backend.holders.leases,
            in_flight=backend.in_flight + backend.starting,
            last_used=max(backend.last_used, self.last_released),
            idle_timeout=self.config.idle_timeout,
            stop_when_unused=self.config.stop_when_unused,
        )


class Lease:
    """One holder's right to a backend. The last one that is released lets the backend go idle and stop."""

    __slots__ = ("_entry", "_pool", "_released", "backend", "holder")

    def __init__(self, pool: Pool, entry: Entry, holder: Holder) -> None:
        self._pool = pool
        self._entry = entry
        self._released = False
        self.backend = entry.backend
        self.holder = holder

    def __repr__(self) -> str:
        return f"<Lease of {self.holder.id} on {self.backend!r}{' (released)' if self._released else ''}>"

    @property
    def identity(self) -> Identity:
        """What the backend's connection depends on."""
        return self._entry.key.identity

    @property
    def retired(self) -> bool:
        """Whether the backend was replaced: it serves who holds it and takes no new leases."""
        return self._entry.retired

    async def request(self, method: str, fields: Fields, *, timeout: float, **more: Unpack[Details]) -> bytes:
        """Send a request for the holder and return its raw result. Arguments and errors: as `Requests.send`."""
        return await self.backend.request(method, fields, holder=self.holder, timeout=timeout, **more)

    async def list_all(self, method: str, key: str, *, timeout: float) -> tuple[bytes, ...]:
        """The raw items of all pages of a list; `timeout` seconds for each page.

        Raises: as `request`, and BadAnswer if the list is malformed or has no end.
        """
        return await read_pages(
            self.backend.name, method, key, lambda fields: self.request(method, fields, timeout=timeout)
        )

    def release(self) -> None:
        """Give it back. Safe to call twice."""
        if not self._released:
            self._released = True
            self._pool.released(self._entry, self.holder)


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
        telemetry: Telemetry | None = None,
    ) -> None:
        """`chance` gives random numbers in [0, 1)."""
        self._resolver = resolver
        self._client_info = client_info
        self._spawn = spawn
        self._loop = loop
        self._telemetry = telemetry
        if telemetry is not None:
            telemetry.watch(self)
        self._entries: dict[Key, Entry] = {}
        self._retired: set[Entry] = set()
        self._eras = Eras()
        self._catalogues: OrderedDict[Key, Catalogue] = OrderedDict()
        self._chance = chance
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
        return [(entry.config.name, entry.backend.state.value, entry.backend.holders.leases) for entry in self]

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
        key = key_of(resolved.identity, server.effective_scope, thread=member.thread, root=member.root)
        terms = Terms(
            server=server.name,
            startup_timeout=server.startup_timeout,
            max_message_bytes=server.max_message_bytes,
            client_info=self._client_info,
            capabilities=capabilities,
            roots=client.roots if resolved.offers_roots else None,
            budget=_budget(server),
            heartbeat=server.heartbeat,
        )
        entry = self._entries.get(key)
        if entry is None:
            backend = Backend(
                terms,
                resolved.opener,
                key=resolved.identity,
                eras=self._eras,
                spawn=self._spawn,
                chance=self._chance,
                on_roots_wanted=lambda: self._resolver.learned_roots(server),
                on_state_lost=self._count_life,
                loop=self._loop,
                telemetry=self._telemetry,
            )
            backend.catalogue = self._catalogues.pop(key, None)
            if resolved.era is not None and self._eras.of(resolved.identity) is None:
                self._eras.learn(resolved.identity, resolved.era)
            entry = self._entries[key] = Entry(key, backend, server, self._loop.time())
        entry.config = server
        entry.names.add(server.name)
        entry.backend.adapt(terms)
        entry.backend.holders.add(holder)
        self._watch_use(entry)
        return Lease(self, entry, holder)

    def released(self, entry: Entry, holder: Holder) -> None:
        """Take a lease back; called by the lease."""
        backend = entry.backend
        backend.wishes.leave(holder)
        entry.last_released = self._loop.time()
        if self._closed:
            return
        if backend.holders:
            self._watch_use(entry)
        elif entry.retired:
            self._retired.discard(entry)
            self._spawn(backend.stop(retire=True))
        elif entry.key.within:
            self.retire(entry)  # nobody else may ever lease it
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
            self._spawn(entry.backend.stop(retire=True))

    def forgive(self) -> None:
        """The configuration was applied, perhaps because of what was wrong: everything may be tried at once."""
        for entry in self:
            entry.backend.forgive()

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
        for entry in entries:
            entry.backend.forgive()
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
            self._remember(entry)
            entry.retired = True
            self._spawn(entry.backend.stop(retire=True))
            return
        if entry.backend.running:
            self._spawn(entry.backend.stop(retire=False))
        look_again = max(entry.config.idle_timeout, LOOK_AGAIN)
        entry.timer = self._loop.call_later(look_again, self._stop_if_unused, entry)

    def _remember(self, entry: Entry) -> None:
        if entry.backend.catalogue is not None:
            self._catalogues[entry.key] = entry.backend.catalogue
            while len(self._catalogues) > _REMEMBERED:
                self._catalogues.popitem(last=False)


def _budget(server: ServerConfig) -> Budget:
    """An endpoint that cannot be reached costs nothing to try, for as long as a caller would wait for it."""
    patience = server.startup_timeout if isinstance(server.transport, Http) else 0.0
    return Budget(server.restart_max, server.restart_window, patience)
