"""The blocking twin of the library, for programs without an event loop and for any number of OS threads.

::

    with mcpool.sync.open("mcp.json") as host:
        with host.thread() as thread, thread.step() as step:
            result = step.call("mcp__demo__clock", {"zone": "UTC"})

The host runs on an event loop in an OS thread of its own. Everything here may be used from any OS thread.
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcpool import host as asynchronous
from mcpool.config.own_thread import OwnThread
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.errors import ServerUnavailable
from mcpool.host.health import Health
from mcpool.host.opening import UNLOAD_AFTER, Source
from mcpool.host.portal import Portal
from mcpool.host.rows import Row
from mcpool.plugins.root import CapabilityRoot
from mcpool.runtime.approval import Authority
from mcpool.runtime.approval_request import ApprovalRequest
from mcpool.runtime.policy import OnApprove
from mcpool.runtime.progress import OnProgress
from mcpool.runtime.result import ToolResult
from mcpool.runtime.step import Step as AsyncStep
from mcpool.runtime.tool_set import ToolSet
from mcpool.threads.elicitation import Elicitation, OnElicit, OnNotification
from mcpool.threads.signing_in import PATIENCE
from mcpool.threads.thread import Thread as AsyncThread
from mcpool.world.world_state import News

__all__ = ["Host", "Step", "Thread", "open"]


def open(
    source: Source = None,
    *,
    attach: bool = False,
    home: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    grace: float = 1.0,
    unload_after: float = UNLOAD_AFTER,
) -> Host:
    """A blocking host, opened at once. Arguments and errors are those of `mcpool.open`."""
    made = asynchronous.open(source, attach=attach, home=home, environ=environ, grace=grace, unload_after=unload_after)
    return Host(made)


class Host:
    """A host for programs that block. Close it, or use it with `with`."""

    def __init__(self, host: asynchronous.Host) -> None:
        self._host = host
        self._pid = os.getpid()
        loop = asyncio.new_event_loop()
        self._portal = Portal(loop)
        self._thread = threading.Thread(target=_run, args=(loop,), name="mcpool host", daemon=True)
        self._thread.start()
        self._end = weakref.finalize(self, _abandon, loop, self._pid)
        try:
            self._portal.call(host.start)
        except BaseException:
            self._finish(loop)
            raise
        self._loop = loop

    def __repr__(self) -> str:
        return f"<sync {self._host!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def thread(
        self,
        *,
        cwd: str | os.PathLike[str] | None = None,
        principal: str = "",
        on_elicit: OnElicit | None = None,
        on_approve: OnApprove | None = None,
        on_notification: OnNotification | None = None,
        authority: Authority | None = None,
        parent: Thread | None = None,
        capability_roots: Sequence[CapabilityRoot] | None = None,
        kept: Mapping[str, Any] | None = None,
    ) -> Thread:
        """Open a thread; see `mcpool.Host.thread`.

        `on_elicit` and `on_approve` run in worker threads and may block; `on_notification` runs on the host's event
        loop and must not.
        """
        thread = self._portal.run(
            self._host.thread,
            cwd=cwd,
            principal=principal,
            on_elicit=None if on_elicit is None else _elicit_elsewhere(on_elicit),
            on_approve=None if on_approve is None else _approve_elsewhere(on_approve),
            on_notification=on_notification,
            authority=authority,
            parent=None if parent is None else parent.of,
            capability_roots=capability_roots,
            kept=kept,
        )
        return Thread(self._portal, thread)

    def status(self) -> list[Row]:
        """One row per backend; see `mcpool.Host.status`."""
        return self._portal.run(self._host.status)

    def health(self) -> tuple[Health, ...]:
        """How each server does; see `mcpool.Host.health`."""
        return self._portal.run(self._host.health)

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers that threads are given; see `mcpool.Host.servers`."""
        return self._portal.run(lambda: self._host.servers)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the configuration; see `mcpool.Host.problems`."""
        return self._portal.run(lambda: self._host.problems)

    def apply(self, source: Path | Mapping[str, Any] | None = None) -> tuple[Problem, ...]:
        """The configuration changed; see `mcpool.Host.apply`. Only this OS thread waits while it is read."""
        return self._portal.call(self._host.read_again, source)

    def reload(self) -> None:
        """Fresh processes for all threads; see `mcpool.Host.reload`."""
        self._portal.run(self._host.reload)

    def settled(self) -> None:
        """Wait until every thread has taken over what was applied; see `mcpool.Host.settled`."""
        self._portal.call(self._host.settled)

    def reconnect(self, server: str) -> None:
        """End the connections of one server and start them anew; see `mcpool.Host.reconnect`."""
        self._portal.call(self._host.reconnect, server)

    def close(self) -> None:
        """End everything and wait until it is gone. Safe to call twice."""
        if self._end.alive and os.getpid() == self._pid:
            try:
                self._portal.call(self._host.close)
            finally:
                self._finish(self._loop)

    def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        self._portal.close()
        if self._end.detach() is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """What the OS thread does: run the loop until it is stopped, then end what still runs there."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _abandon(loop: asyncio.AbstractEventLoop, pid: int) -> None:
    """Nobody can close this host any more."""
    if os.getpid() == pid:
        warnings.warn("a host was never closed; use `with mcpool.sync.open(...)`", ResourceWarning, stacklevel=2)
        loop.call_soon_threadsafe(loop.stop)


class Thread:
    """One conversation. See `mcpool.Thread`."""

    def __init__(self, portal: Portal, thread: AsyncThread) -> None:
        self._portal = portal
        self._thread = thread

    def __repr__(self) -> str:
        return f"<sync {self._thread!r}>"

    def __enter__(self) -> Self:
        self._portal.call(self._thread.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def id(self) -> str:
        """Its name."""
        return self._thread.id

    @property
    def of(self) -> AsyncThread:
        """The thread that this one is the blocking door to."""
        return self._thread

    def kept(self) -> dict[str, Any]:
        """What is to be kept of it for a host to come; see `mcpool.Thread.kept`."""
        return self._portal.run(self._thread.kept)

    def ready(self, timeout: float | None = None) -> dict[str, ServerUnavailable | None]:
        """Start every server and wait until each is ready or failed; see `mcpool.Thread.ready`."""
        return self._portal.call(self._thread.ready, timeout)

    def subscribe(self, server: str, uri: str) -> None:
        """Hear of updates of a resource; see `mcpool.Thread.subscribe`."""
        self._portal.call(self._thread.subscribe, server, uri)

    def unsubscribe(self, server: str, uri: str) -> None:
        """The opposite of `subscribe`."""
        self._portal.call(self._thread.unsubscribe, server, uri)

    def sign_in(
        self, server: str, show: Callable[[str], None], *, scopes: Sequence[str] = (), timeout: float = PATIENCE
    ) -> None:
        """Have a person sign in to a server; see `mcpool.Thread.sign_in`. `show` runs in a worker thread, may block."""

        async def elsewhere(url: str) -> None:
            await OwnThread("mcpool-sign-in", timeout).run(lambda: show(url))

        self._portal.call(self._thread.sign_in, server, elsewhere, scopes=scopes, timeout=timeout)

    @property
    def authority(self) -> Authority:
        """By what it decides on calls; see `mcpool.Thread.authority`."""
        return self._thread.authority

    def set_authority(self, authority: Authority) -> None:
        """Decide on calls of later steps by this; see `mcpool.Thread.set_authority`."""
        self._portal.run(self._thread.set_authority, authority)

    def forget_approvals(self) -> None:
        """Ask again for what was approved for this conversation."""
        self._portal.run(self._thread.forget_approvals)

    def set_sandbox_state(self, value: object) -> None:
        """Tell servers in what sandbox this thread runs; see `mcpool.Thread.set_sandbox_state`."""
        self._portal.run(self._thread.set_sandbox_state, value)

    def interrupt(self) -> None:
        """The turn is over; see `mcpool.Thread.interrupt`."""
        self._portal.run(self._thread.interrupt)

    def news(self, step: Step, *, retained: Collection[str] | None = None) -> News:
        """What the model has to be told with this step; see `mcpool.Thread.news`."""
        return self._portal.run(lambda: self._thread.news(step.pinned, retained=retained))

    def step(self, *, mentions: Collection[str] = ()) -> Step:
        """A step for `with`; see `mcpool.Thread.step`."""
        return Step(self._portal, self._thread, mentions)

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        self._portal.call(self._thread.close)


class Step:
    """One sampling of the model and its tool calls. See `mcpool.Step`."""

    def __init__(self, portal: Portal, thread: AsyncThread, mentions: Collection[str]) -> None:
        self._portal = portal
        self._thread = thread
        self._mentions = mentions
        self._step: AsyncStep | None = None

    def __enter__(self) -> Self:
        async def begin() -> AsyncStep:
            return await self._thread.step(mentions=self._mentions)

        self._step = self._portal.call(begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._step is not None:
            self._portal.run(self._step.release)

    @property
    def tools(self) -> ToolSet:
        """The tools to show to the model."""
        return self._portal.run(lambda: self.pinned.tools)

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> ToolResult:
        """Call a tool; see `mcpool.Step.call`. `on_progress` runs on the host's event loop and must not block."""
        return self._portal.call(self.pinned.call, name, arguments, timeout=timeout, on_progress=on_progress)

    @property
    def servers(self) -> tuple[str, ...]:
        """The enabled servers."""
        return self.pinned.servers

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Servers that cannot be used at all, and why."""
        return self.pinned.unavailable

    @property
    def lost_state(self) -> tuple[str, ...]:
        """The servers that lost what their processes had in memory; see `mcpool.Step.lost_state`."""
        return self.pinned.lost_state

    def resources(self, server: str) -> list[dict[str, Any]]:
        """All resources that a server lists; see `mcpool.Step.resources`."""
        return self._portal.call(self.pinned.resources, server)

    def resource_templates(self, server: str) -> list[dict[str, Any]]:
        """All resource templates that a server lists; see `mcpool.Step.resource_templates`."""
        return self._portal.call(self.pinned.resource_templates, server)

    def prompts(self, server: str) -> list[dict[str, Any]]:
        """All prompts that a server lists; see `mcpool.Step.prompts`."""
        return self._portal.call(self.pinned.prompts, server)

    def get_prompt(
        self, server: str, name: str, arguments: Mapping[str, str] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Get a prompt; see `mcpool.Step.get_prompt`."""
        return self._portal.call(self.pinned.get_prompt, server, name, arguments, timeout=timeout)

    def read_resource(self, server: str, uri: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Read a resource; see `mcpool.Step.read_resource`."""
        return self._portal.call(self.pinned.read_resource, server, uri, timeout=timeout)

    @property
    def pinned(self) -> AsyncStep:
        """The step behind it."""
        if self._step is None:
            raise RuntimeError("a step begins with `with thread.step() as step:`")
        return self._step


def _elicit_elsewhere(on_elicit: OnElicit) -> OnElicit:
    async def ask(question: Elicitation) -> Any:
        return await asyncio.to_thread(on_elicit, question)

    return ask


def _approve_elsewhere(on_approve: OnApprove) -> OnApprove:
    async def ask(request: ApprovalRequest) -> Any:
        return await asyncio.to_thread(on_approve, request)

    return ask
