"""The thread behind one client: opened when it is first needed, and replaced when the client's roots change.

A thread's facts are fixed, so other roots mean another thread. Requests in flight keep the one that they began on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from mcpool.backend.holder import ClientFacts
from mcpool.errors import McpoolError
from mcpool.gateway.capabilities import read_roots
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.upstream import Host, Listener, Thread
from mcpool.runtime.remembered import RememberedApprovals


class ThreadSlot:
    """Also keeps what the client wished to hear, and what it approved, for the thread that follows."""

    def __init__(
        self,
        host: Host,
        listener: Listener,
        *,
        principal: str,
        cwd: str | None,
        facts: ClientFacts,
        only: Collection[str] | None,
        announce: Callable[[str], None],
    ) -> None:
        self.facts = facts
        self.current: Thread | None = None
        self._host = host
        self._listener = listener
        self._principal = principal
        self._cwd = cwd
        self._only = only
        self._remembered = RememberedApprovals()
        self._lock = asyncio.Lock()
        self._old: list[Thread] = []
        self._tasks = Tasks()
        self._levels: dict[str | None, str] = {}
        self._subscriptions: set[tuple[str, str]] = set()
        self._held: Counter[tuple[str, str]] = Counter()
        self._announce = announce
        self._announced: set[str] = set()

    async def open(self) -> Thread:
        """The thread; the first of those who ask at once opens it."""
        async with self._lock:
            if self.current is None:
                self.current = await self._new()
            return self.current

    async def beside(self, listener: Listener) -> Thread:
        """Another thread beside the current one, with a listener of its own; the caller closes it."""
        current = self.current or await self.open()
        thread = self._host.thread(
            cwd=self._cwd,
            principal=self._principal,
            client=self.facts,
            listener=listener,
            only=self._only,
            remembered=self._remembered,
            beside=current,
        )
        await self._prepare(thread)
        return thread

    async def take_roots(self, answer: bytes) -> None:
        """The client has listed its roots: go on with a thread that offers them, unless they are the same."""
        roots = read_roots(answer)
        async with self._lock:
            if roots is None or roots == self.facts.roots:
                return
            self.facts = replace(self.facts, roots=roots)
            if self.current is not None:
                former, self.current = self.current, await self._new()
                self._old.append(former)

    def release_old(self) -> None:
        """No request is in flight: threads that were replaced can go."""
        while self._old:
            self._tasks.start(self._old.pop().close())

    async def close(self) -> None:
        """Close the thread."""
        await self._tasks.close()
        async with self._lock:
            threads = [*self._old, *([] if self.current is None else [self.current])]
            self.current = None
            self._old.clear()
            for thread in threads:
                await thread.close()

    # ------------------------------------------------------------------ wishes

    async def set_log_level(self, server: str | None, level: str) -> None:
        """Hear log messages of this severity and above."""
        thread = self.current or await self.open()
        await thread.set_log_level(server, level)
        self._levels[server] = level

    async def subscribe(self, server: str, uri: str) -> None:
        """Hear of updates of a resource."""
        thread = self.current or await self.open()
        await thread.subscribe(server, uri)
        self._subscriptions.add((server, uri))

    async def unsubscribe(self, server: str, uri: str) -> None:
        """The opposite."""
        thread = self.current or await self.open()
        self._subscriptions.discard((server, uri))
        await thread.unsubscribe(server, uri)

    async def hold(self, server: str, uri: str) -> None:
        """Subscribe on behalf of one of several listeners."""
        self._held[server, uri] += 1
        if self._held[server, uri] == 1:
            try:
                await self.subscribe(server, uri)
            except BaseException:
                self._held[server, uri] -= 1
                raise

    def drop(self, server: str, uri: str) -> None:
        """One listener less; after the last the subscription ends."""
        self._held[server, uri] -= 1
        if self._held[server, uri] <= 0:
            del self._held[server, uri]
            if self.current is not None:
                self._tasks.start(self._unsubscribe_quietly(server, uri))

    def announce(self, server: str) -> None:
        """Say that the lists have changed when a server is there that was too slow to be listed."""
        if server not in self._announced and self.current is not None:
            self._announced.add(server)
            self._tasks.start(self._announce_when_there(self.current, server))

    async def _unsubscribe_quietly(self, server: str, uri: str) -> None:
        if (server, uri) in self._held:
            # Somebody listens again already.
            return
        with contextlib.suppress(McpoolError):
            await self.unsubscribe(server, uri)

    async def _announce_when_there(self, thread: Thread, server: str) -> None:
        step = thread.capture()
        try:
            await step.tool_definitions(server)
        except McpoolError:
            return
        finally:
            step.release()
            self._announced.discard(server)
        self._announce(server)

    async def _new(self) -> Thread:
        thread = self._host.thread(
            cwd=self._cwd,
            principal=self._principal,
            client=self.facts,
            listener=self._listener,
            only=self._only,
            remembered=self._remembered,
        )
        await self._prepare(thread, self._subscriptions)
        return thread

    async def _prepare(self, thread: Thread, subscriptions: Iterable[tuple[str, str]] = ()) -> None:
        """Let it have its servers, and hear what the client wants to hear; if that fails it is closed."""
        try:
            await thread.refresh()
            for server, level in self._levels.items():
                await thread.set_log_level(server, level)
            for server, uri in subscriptions:
                await thread.subscribe(server, uri)
        except BaseException:
            await thread.close()
            raise
