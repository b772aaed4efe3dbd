"""The real pool, threads and steps over fake servers: everything above the seam, and no process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import msgspec

from mcpool.backend.backend import Backend
from mcpool.backend.catalogues import Catalogues, CatalogueStore
from mcpool.backend.holder import ClientFacts, Question
from mcpool.catalog.identity import Place, identify
from mcpool.config.server import ServerConfig, Stdio
from mcpool.errors import RpcError
from mcpool.plugins.root import CapabilityRoot
from mcpool.pool.pool import Pool
from mcpool.pool.resolver import Circumstances, Resolved
from mcpool.runtime.approval import Authority
from mcpool.runtime.policy import OnApprove
from mcpool.telemetry import Telemetry
from mcpool.threads.approvals import Keeper
from mcpool.threads.facts import ConfigurationAlone, Projector
from mcpool.threads.kept import Kept
from mcpool.threads.manager import ThreadManager
from mcpool.threads.mentions import ReadSkills, no_skills
from mcpool.threads.telling import Around, nothing_else
from mcpool.threads.thread import Thread
from mcpool.world.section import Section
from mcpool.world.world_state import OUR_SECTIONS
from support.fake_server import FakeServer

UNLOAD_AFTER = 600.0

FORM = ClientFacts(elicitation_form=True, raw=b'{"elicitation":{"form":{}}}')
"""A client that can be asked to fill in a form."""


class Ear:
    """A listener that remembers what it hears, and answers when the test says so."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Any]] = []
        self.questions: list[Question] = []
        self.answer: bytes | RpcError | None = b'{"action":"accept","content":{}}'
        """None: it takes for ever."""
        self.withdrawn = 0

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        self.heard.append((server, method, None if params is None else msgspec.json.decode(params)))

    async def on_question(self, question: Question) -> bytes:
        self.questions.append(question)
        if self.answer is None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.withdrawn += 1
                raise
        if isinstance(self.answer, RpcError):
            raise self.answer
        assert self.answer is not None
        return self.answer


def config(name: str = "fake", **settings: Any) -> ServerConfig:
    """A stdio server; its command names the fake server behind it, which is its own name unless given."""
    command = settings.pop("command", name)
    transport = Stdio(command, **{key: settings.pop(key) for key in ("args", "env", "cwd") if key in settings})
    settings.setdefault("heartbeat", 0.0)  # a timer that comes again would hide that everything waits for ever
    return ServerConfig(name, transport, **settings)


class World:
    """A pool and its threads. On leaving it everything is closed, and nothing may be left."""

    def __init__(
        self,
        *servers: FakeServer,
        configs: Sequence[ServerConfig] | None = None,
        grace: float = 1.0,
        telemetry: Telemetry | None = None,
        projector: Projector | None = None,
        sections: Sequence[Section] = (),
        around: Around = nothing_else,
        read_skills: ReadSkills = no_skills,
        store: CatalogueStore | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.servers = {server.name: server for server in servers}
        self.roots_wanted: list[str] = []
        self.defects: list[str] = []
        """What broke where nobody could be told. A test that expects it takes it out."""
        self._configs = tuple(configs if configs is not None else (config(server.name) for server in servers))
        self._grace = grace
        self._telemetry = telemetry
        self._projector = projector or ConfigurationAlone()
        self._sections = (*OUR_SECTIONS, *sections)
        self._around = around
        self._read_skills = read_skills
        self._store = store
        self._keeper = keeper
        self._stack = AsyncExitStack()
        self._last = 0

    async def __aenter__(self) -> Self:
        self._tasks_before = asyncio.all_tasks()
        self.loop.set_exception_handler(lambda loop, context: self.defects.append(str(context)))
        self.handles: Mapping[str, int] = {}
        """The executors that are there, each with the number of the connection to it."""
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())

        def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            task = tasks.create_task(self._contained(work))
            task.add_done_callback(lambda _: work.close())
            return task

        leases = itertools.count(1)
        self.pool = Pool(
            self,
            client_info=b'{"name":"test","version":"1"}',
            spawn=spawn,
            chance=lambda: 0.5,
            new_lease_id=lambda: f"lease-{next(leases)}",
            loop=self.loop,
            telemetry=self._telemetry,
            catalogues=Catalogues(self._store),
        )
        self._stack.push_async_callback(self.pool.close)
        self.threads = ThreadManager(
            self.pool,
            self._configs,
            grace=self._grace,
            unload_after=UNLOAD_AFTER,
            new_id=self._new_id,
            projector=self._projector,
            spawn=spawn,
            loop=self.loop,
            sections=lambda: self._sections,
            around=self._around,
            read_skills=self._read_skills,
            keeper=self._keeper,
        )
        self._stack.push_async_callback(self.threads.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
        if error is None:
            assert asyncio.all_tasks() == self._tasks_before, "tasks were left behind"
            assert not [process for server in self.servers.values() for process in server.running], "a process was left"
            assert not self.defects

    async def _contained(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self.defects.append(repr(error))

    def _new_id(self) -> str:
        self._last += 1
        return f"t{self._last}"

    # ------------------------------------------------------------------ mcpool.pool.resolver.Resolver

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        place = Place(
            cwd=circumstances.cwd,
            principal=circumstances.principal,
            capabilities=circumstances.capabilities,
            handle=self.handles.get(server.environment_id, 0),
        )
        assert isinstance(server.transport, Stdio)
        return Resolved(identify(server, place), self.servers[server.transport.command].open)

    def learned_roots(self, server: ServerConfig) -> None:
        self.roots_wanted.append(server.name)

    # ------------------------------------------------------------------ what a test does

    def thread(
        self,
        ear: Ear | None = None,
        *,
        client: ClientFacts = FORM,
        cwd: str = "/",
        parent: Thread | None = None,
        beside: Thread | None = None,
        on_approve: OnApprove | None = None,
        authority: Authority | None = None,
        roots: Sequence[CapabilityRoot] | None = None,
        id: str | None = None,
        kept: Kept | None = None,
    ) -> Thread:
        """Open a thread, or have one go on that another world kept."""
        return self.threads.open(
            cwd=cwd,
            principal="",
            client=client,
            listener=ear or Ear(),
            on_approve=on_approve,
            authority=authority,
            parent=parent,
            beside=beside,
            roots=roots,
            id=id if kept is None else kept.id,
            kept=kept,
        )

    def backend(self, name: str = "fake") -> Backend:
        """The only backend of a server that takes leases."""
        (entry,) = [entry for entry in self.pool if entry.config.name == name and not entry.retired]
        return entry.backend

    async def backend_of_new_thread(self, name: str = "fake") -> Backend:
        """The backend that a thread opened for it leases."""
        await self.thread().refresh()
        return self.backend(name)

    def configure(self, name: str, **settings: Any) -> None:
        """Apply a changed configuration of one server."""
        self.threads.apply([replace(s, **settings) if s.name == name else s for s in self.threads.servers])

    async def passes(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    async def settles(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(20):
            await asyncio.sleep(0)


async def call(thread: Thread, tool: str = "echo", *, server: str = "fake", **arguments: Any) -> Any:
    """One step with one call; returns the decoded text of its answer."""
    async with thread.step() as step:
        result = await step.call(f"mcp__{server}__{tool}", arguments)
    return msgspec.json.decode(result.for_model())


def shown(thread: Thread) -> list[str]:
    """The tools that a step begun now would show, without waiting for anything."""
    with thread.capture() as step:
        return list(step.tools)
