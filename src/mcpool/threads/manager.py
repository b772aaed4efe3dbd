"""The loaded threads of a host, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from mcpool.backend.holder import ClientFacts
from mcpool.config.server import ApprovalMode, ServerConfig, Stdio
from mcpool.pool.pool import Pool
from mcpool.runtime.policy import OnApprove
from mcpool.runtime.tool_sets import ToolSets
from mcpool.threads.seat import Listener
from mcpool.threads.thread import Thread


class ThreadManager:
    """Owns the threads; they share the pool."""

    def __init__(self, pool: Pool, servers: Sequence[ServerConfig], *, grace: float, new_id: Callable[[], str]) -> None:
        self._pool = pool
        self._servers = tuple(servers)
        self._grace = grace
        self._new_id = new_id
        self._sets = ToolSets()
        self._threads: dict[str, Thread] = {}
        pool.on_isolated = self._refresh

    def __iter__(self) -> Iterator[Thread]:
        return iter(list(self._threads.values()))

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers that threads are given."""
        return self._servers

    def open(
        self,
        *,
        cwd: str,
        principal: str,
        client: ClientFacts,
        listener: Listener,
        on_approve: OnApprove | None = None,
        default_mode: ApprovalMode | None = None,
        parent: Thread | None = None,
        beside: Thread | None = None,
        only: Collection[str] | None = None,
        id: str | None = None,
    ) -> Thread:
        """Load a thread and lease its servers. A `parent` makes it a sub-agent, of the same session tree;
        `beside` another makes it part of that conversation, which shares every process with it.

        Raises:
            ValueError: a thread of this id is loaded.
        """
        name = id or self._new_id()
        while id is None and name in self._threads:
            name = self._new_id()
        if name in self._threads:
            raise ValueError(f"a thread {name!r} is open already; close it, or choose another id")
        thread = Thread(
            name,
            self._pool,
            self._sets,
            root=beside.root if beside is not None else parent.root if parent is not None else name,
            conversation=name if beside is None else beside.conversation,
            cwd=cwd,
            principal=principal,
            client=client,
            listener=listener,
            on_approve=on_approve,
            default_mode=default_mode,
            grace=self._grace,
            servers=self._servers,
            only=only,
            on_close=self._forget,
        )
        self._threads[name] = thread
        return thread

    def apply(self, servers: Sequence[ServerConfig]) -> None:
        """The configuration changed: publish a runtime for it in every thread. Equal identities keep their process."""
        self._servers = tuple(servers)
        self._pool.forgive()
        self._refresh()

    def _refresh(self) -> None:
        for thread in self:
            thread.refresh(self._servers)

    def reload(self) -> None:
        """Fresh processes are wanted: replace the pooled stdio backends for all. Old calls finish on the old ones."""
        for entry in self._pool:
            if isinstance(entry.config.transport, Stdio):
                self._pool.retire(entry)
        self.apply(self._servers)

    async def close(self) -> None:
        """Close every thread."""
        for thread in self:
            await thread.close()

    def _forget(self, thread: Thread) -> None:
        self._threads.pop(thread.id, None)
