"""The host: everything that one program runs, from its pool to its warden, opened and closed as one."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcpool.backend.holder import ClientFacts
from mcpool.config.client import ClientConfig
from mcpool.config.home import ensure_home, home_dir
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.environments.registry import Environments
from mcpool.errors import Closed, WrongProcess
from mcpool.host.configuration import Reading
from mcpool.host.extension import Extension
from mcpool.host.health import Health, health
from mcpool.host.portal import Portal
from mcpool.host.projects import Project
from mcpool.host.rows import Row, rows
from mcpool.host.running import Own, Plan, Running, run
from mcpool.host.watching import OnApplied, Watching, log_applied
from mcpool.plugins.root import MOST_ROOTS, CapabilityRoot
from mcpool.runtime.approval import Authority
from mcpool.runtime.policy import OnApprove
from mcpool.runtime.remembered import RememberedApprovals
from mcpool.threads.elicitation import CallbackListener, OnElicit, OnNotification, client_of
from mcpool.threads.kept import read as read_kept
from mcpool.threads.manager import ThreadManager
from mcpool.threads.seat import Listener
from mcpool.threads.thread import Thread

_NOT_OPEN = "the host is not open; use `async with mcpool.open(...) as host`"


class Host:
    """Runs servers and shares them among threads. Made by `mcpool.open`; use it with `async with`.

    One task of its own opens and closes what it runs, so any task may enter, use and close it, on one event loop. Other
    loops and OS threads come in through `portal`.
    """

    def __init__(self, plan: Plan, *, home: Path | None) -> None:
        self._plan = plan
        self._given_home = home
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner: asyncio.Task[None] | None = None
        self._stop: asyncio.Event | None = None
        self._running: Running | None = None
        self.home = home

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the configuration, that of projects included; servers that are not named here run."""
        return () if self._own is None else self._own.configuration.problems

    def __repr__(self) -> str:
        if self._running is None:
            return "<Host [not open]>"
        return f"<Host [{len(self._running.threads)} threads, {self._running.pool!r}]>"

    def __del__(self) -> None:
        owner = getattr(self, "_owner", None)
        if owner is not None and not owner.done() and os.getpid() == self._pid:
            self._warn_unclosed()

    def _warn_unclosed(self) -> None:
        warnings.warn(f"{self!r} was never closed; use `async with mcpool.open(...)`", ResourceWarning, stacklevel=2)

    # ------------------------------------------------------------------ opening and closing

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Open it; `async with` does this. Raises: as `mcpool.open` says."""
        if self._owner is not None:
            raise Closed("a host can be opened once; call `mcpool.open` again for another")
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._owner = self._loop.create_task(self._live(opened, self._stop), name="mcpool host")
        try:
            await asyncio.shield(opened)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End everything that it runs and wait until it is gone. Safe to call twice, and from any task of its loop.

        Once begun it completes even if the caller is cancelled.
        """
        if os.getpid() != self._pid:
            return  # what it runs belongs to the process that this one was forked from
        if self._stop is not None and self._owner is not None:
            self._stop.set()
            await asyncio.shield(asyncio.wait([self._owner]))

    async def _live(self, opened: asyncio.Future[None], stop: asyncio.Event) -> None:
        try:
            self.home = home = self._given_home or home_dir(self._plan.environ)
            ensure_home(home)
            async with run(self._plan, home) as self._running:
                opened.set_result(None)
                await stop.wait()
        except asyncio.CancelledError:
            # Its event loop ends. Everything is closed by now, but late, and by chance.
            self._warn_unclosed()
            raise
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)

    # ------------------------------------------------------------------ threads

    def thread(
        self,
        *,
        cwd: str | os.PathLike[str] | None = None,
        principal: str = "",
        on_elicit: OnElicit | None = None,
        on_approve: OnApprove | None = None,
        on_notification: OnNotification | None = None,
        client: ClientFacts | None = None,
        listener: Listener | None = None,
        authority: Authority | None = None,
        remembered: RememberedApprovals | None = None,
        parent: Thread | None = None,
        beside: Thread | None = None,
        only: Collection[str] | None = None,
        config: Mapping[str, Any] | None = None,
        capability_roots: Sequence[CapabilityRoot] | None = None,
        id: str | None = None,
        kept: Mapping[str, Any] | None = None,
    ) -> Thread:
        """Open a thread: one conversation that uses the servers. Close it, or use it with `async with`.

        Args:
            cwd: the folder in which servers without a `cwd` of their own run; the current one if None.
            principal: on whose behalf it acts; separates what is reached with credentials.
            on_elicit: answers servers' questions; without it they are answered in the user's stead.
            on_approve: decides on calls that need an approval; without it only tools whose configuration says
                `prompt` or `writes` need one.
            on_notification: hears log messages, resource updates and changes of lists.
            client, listener: for faces that speak MCP themselves, in place of the callbacks.
            authority: by what it decides on calls; `Thread.set_authority` changes it.
            remembered: what was approved for the conversation before: `thread.approvals.remembered` of a thread that
                it continues.
            parent: makes it a sub-agent, of the same session tree.
            beside: makes it part of that thread's conversation: it shares every process with it, but what servers ask
                on behalf of its calls is asked of it alone.
            only: the names of the servers that it uses; all if None.
            config: servers that it has besides, or in place of those of the same names, in the shape of `mcpool.open`.
            capability_roots: folders of plugins or skills, in any environment, for this thread alone; those of `parent`
                or `beside` if None. They count while their environment is there. Of equal servers and skills the first
                counts.
            id: its name; one is made if None.
            kept: what `Thread.kept` returned of a thread of an earlier host, which it continues: with its id, folder,
                principal, `only`, roots and what its model was told. What is given besides counts more.

        Raises:
            Closed: the host is not open.
            ConfigError: nothing of `config` can be used.
            ValueError: there is a thread of this id, or `kept` is nothing that was kept.
            WrongProcess: it was opened before a fork, in the parent process.
        """
        manager = self._open().threads
        past = None if kept is None else read_kept(kept, processes_live=self._own is None)
        if past is not None:
            cwd, principal, id = cwd or past.cwd, principal or past.principal, id or past.id
            only = past.only if only is None else only
            capability_roots = past.capability_roots if capability_roots is None else capability_roots
        servers: tuple[ServerConfig, ...] = ()
        if config is not None:
            if self._own is None:
                raise ValueError("an attached host uses the servers of the daemon; leave `config` out")
            servers = self._own.configuration.given(config)
        if capability_roots:
            if self._own is None:
                raise ValueError("an attached host uses the servers of the daemon; leave `capability_roots` out")
            if len(capability_roots) > MOST_ROOTS:
                raise ValueError(f"{len(capability_roots)} capability roots are too many; choose {MOST_ROOTS} at most")
        return manager.open(
            cwd=os.path.abspath(cwd or os.getcwd()),
            principal=principal,
            client=client or client_of(on_elicit),
            listener=listener or CallbackListener(on_elicit, on_notification),
            on_approve=on_approve,
            authority=authority,
            remembered=remembered,
            parent=parent,
            beside=beside,
            only=only,
            servers=servers,
            roots=capability_roots,
            id=id,
            kept=past,
        )

    @property
    def threads(self) -> ThreadManager:
        """Its threads: to find them by id, and to unload, archive and resume them.

        Raises:
            Closed: the host is not open.
            WrongProcess: it was opened before a fork, in the parent process.
        """
        return self._open().threads

    def _open(self) -> Running:
        self._check_process()
        if self._running is None or self._stop is None or self._stop.is_set():
            raise Closed(_NOT_OPEN)
        if asyncio.get_running_loop() is not self._loop:
            raise Closed("the host runs on another event loop; come in through `host.portal`")
        return self._running

    @property
    def _own(self) -> Own | None:
        return None if self._running is None else self._running.own

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise WrongProcess("this host was opened before a fork; call `mcpool.open` again in the child process")

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers that threads are given, those that are disabled, of the administrator or of plugins included."""
        if self._running is None:
            return ()
        servers = self._running.threads.servers
        if self._own is None:
            return servers
        names = {server.name for server in servers}
        more = self._own.configuration.contributors.more_servers
        return (*servers, *(server for server in more if server.name not in names))

    @property
    def clients(self) -> Mapping[str, ClientConfig]:
        """What the configuration says of clients of the gateway, by the names of their tokens."""
        return {} if self._own is None else self._own.configuration.current.clients

    def project_around(self, cwd: str) -> Project | None:
        """The project that this folder belongs to, if any. Reads files. Raises: ConfigError, as `Projects.of`."""
        return None if self._own is None else self._own.configuration.contributors.project_of(cwd)

    def forbidden(self, name: str, servers: Sequence[ServerConfig]) -> str | None:
        """Why the administrator lets none of these that is called so run; None, if that is not so."""
        return None if self._own is None else self._own.configuration.contributors.forbidden(servers, name)

    @property
    def environments(self) -> Environments:
        """Where its servers can run besides this machine: executors, to add, remove and look at.

        Raises:
            Closed: the host is not open.
            ValueError: it is attached to a daemon, and uses the servers of that.
            WrongProcess: it was opened before a fork, in the parent process.
        """
        own = self._open().own
        if own is None:
            raise ValueError("an attached host uses the servers of the daemon; `mcpool env add` adds executors to that")
        return own.environments

    @property
    def portal(self) -> Portal:
        """The door for OS threads and other event loops.

        Raises:
            Closed: the host is not open.
            WrongProcess: it was opened before a fork, in the parent process.
        """
        self._check_process()
        if self._loop is None or self._stop is None or self._stop.is_set():
            raise Closed(_NOT_OPEN)
        return Portal(self._loop)

    # ------------------------------------------------------------------ seeing and steering

    def status(self) -> list[Row]:
        """`health` as plain values for JSON, without the memory. No secrets but those that servers write to stderr."""
        return rows(self.health())

    def health(self) -> tuple[Health, ...]:
        """How each server does: one per backend, or per server that has none, in the order of the configuration.

        Servers that are configured alike share a backend, which is told of for each of them.
        """
        if self._running is None:
            return ()
        environments = None if self._running.own is None else self._running.own.environments
        return health(self.servers, self._running.pool, environments)

    def apply(self, source: Path | Mapping[str, Any] | None = None) -> tuple[Problem, ...]:
        """The configuration changed: read it again (or another one) and reconcile. What is equal keeps its process.

        Each thread takes it over before its next step; `settled` waits until all have. Returns what is wrong with it. A
        file that cannot be read at all changes nothing, and a server with an error keeps its definition of before.

        It blocks while it reads: up to 10 s, if the configuration refers to a keyring that is locked. `read_again` lets
        the event loop go on.
        """
        own = self._open().own
        return () if own is None else self._take(own, own.configuration.read(source))

    async def read_again(self, source: Path | Mapping[str, Any] | None = None) -> tuple[Problem, ...]:
        """Do what `apply` does, with files and keyring read beside the event loop.

        Raises:
            Closed: the host is not open, or was closed meanwhile.
        """
        own = self._open().own
        return () if own is None else self._take(own, await own.configuration.read_beside(source))

    def _take(self, own: Own, reading: Reading) -> tuple[Problem, ...]:
        threads = self._open().threads
        servers = own.configuration.take(reading, threads.servers)
        if servers is not None:
            own.grants.keep_in(reading.own.oauth_store)
            own.resolver.forget()
            threads.apply(servers)
        return reading.problems

    async def watch(
        self,
        on_applied: OnApplied = log_applied,
        *,
        apply: Callable[[], Awaitable[tuple[Problem, ...]]] | None = None,
        files: Collection[Path] = (),
    ) -> None:
        """Take every edit of the configuration's files over, until this is cancelled; `on_applied` hears of it.

        `apply` is called in place of `read_again`, and `files` are watched besides, for programs that know more.
        """
        own = self._own
        watched = (lambda: frozenset(files)) if own is None else (lambda: own.configuration.files.union(files))
        await Watching(watched, apply or self.read_again, lambda: self.servers, on_applied, self._read_plugins).run()

    def extend(self, extension: Extension) -> None:
        """Add what a part of the program contributes, or replace what it contributed before.

        Threads take its servers over with their next step; its sections are for threads that are opened from now on.

        Raises:
            ValueError: it has servers, and the host is attached to a daemon.
        """
        running = self._open()
        running.extensions.add(extension)
        running.threads.invalidate()

    def retract(self, extension: str) -> None:
        """Take away what an extension contributed. Raises: KeyError, if there is none of this name."""
        running = self._open()
        running.extensions.remove(extension)
        running.threads.invalidate()

    def reload(self) -> None:
        """Fresh processes are wanted: replace the pooled ones for all threads. Old calls finish on the old ones."""
        running = self._open()
        if running.own is not None:
            running.own.resolver.forget()
        running.threads.reload()

    async def settled(self) -> None:
        """Wait until every loaded thread has taken over what was applied or reloaded before."""
        await self._read_plugins()
        await self._open().threads.settled()

    async def _read_plugins(self) -> None:
        if self._own is not None:
            await self._own.configuration.contributors.read_plugins()

    async def reconnect(self, server: str) -> None:
        """End the connections of one server and start them anew. Calls in flight end by the rules of a lost connection.

        Raises:
            ServerNotFound, ServerUnavailable.
        """
        await self._open().pool.reconnect(server)
