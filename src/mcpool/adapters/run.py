"""One run of a framework's agent: a thread of the host, and the step that it is in."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, TypedDict, TypeVar

from mcpool.errors import Closed
from mcpool.host.host import Host
from mcpool.runtime.approval import Authority
from mcpool.runtime.approval_request import ApprovalRequest
from mcpool.runtime.policy import OnApprove
from mcpool.runtime.step import Step
from mcpool.threads.elicitation import OnElicit, OnNotification
from mcpool.threads.thread import Thread

Key = TypeVar("Key")


class TaskSteps:
    """Ends the steps of runs with the tasks that began them: such a task makes no call after its end, even if somebody
    keeps what belonged to the run."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[asyncio.Task[Any], weakref.WeakSet[Run]] = weakref.WeakKeyDictionary()

    def add(self, run: Run) -> None:
        """The current task began the step that this run is in."""
        task = asyncio.current_task()
        if task is None:
            return
        runs = self._of.get(task)
        if runs is None:
            runs = self._of[task] = weakref.WeakSet[Run]()
            task.add_done_callback(self._over)
        runs.add(run)

    def _over(self, task: asyncio.Task[Any]) -> None:
        for run in self._of.pop(task, ()):
            run.let_go()


class ThreadOptions(TypedDict, total=False):
    """Of the threads that are opened for runs: as in `Host.thread`."""

    cwd: str | os.PathLike[str] | None
    principal: str
    on_elicit: OnElicit | None
    on_approve: OnApprove | None
    on_notification: OnNotification | None
    authority: Authority | None
    only: Collection[str] | None


class Run:
    """Holds one step at a time; each step of the framework's is a new one."""

    def __init__(self, thread: Thread, *, owned: bool, asks: bool) -> None:
        """`owned`: the thread ends with the run. `asks`: the framework has calls approved, before it makes them."""
        self.thread = thread
        self.step: Step | None = None
        """The step that it is in; None before the first, between two of which one was let go, and after the last."""
        self.asks = asks
        self._owned = owned
        self._begun = self._ended = False
        self._beginning = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Run of {self.thread!r}, {self.step!r}>"

    async def next_step(self) -> Step:
        """Begin a step; the one before ends. The first waits for servers that were never seen before.

        Raises:
            Closed: the thread is closed, or the run has ended.
            ServerUnavailable: a required server could not be started.
        """
        if not self._begun:
            await self.thread.require()
        step = await self.thread.step()
        if not self._begun and step.tools.pending:
            pending = step.tools.pending
            step.release()
            step = await self.thread.step(mentions=pending)
        if self._ended:
            step.release()
            raise Closed("this run has ended")
        self._begun = True
        self.let_go()
        self.step = step
        return step

    async def current_step(self) -> Step:
        """The step that it is in, or a new one, which is one for all who ask at once. Raises: as `next_step`."""
        if self.step is not None:
            return self.step
        async with self._beginning:
            return self.step or await self.next_step()

    def needs_approval(self, tool: str) -> bool:
        """Whether the framework has to have a call of this tool approved."""
        return self.asks and self.step is not None and self.step.needs_approval(tool)

    def let_go(self, step: Step | None = None) -> None:
        """End the step, if it is this one or any, but not the run. Calls under way go on. Safe to call twice."""
        if self.step is not None and step in (self.step, None):
            self.step.release()
            self.step = None

    def end(self) -> None:
        """End it. Safe to call twice."""
        self._ended = True
        self.let_go()
        if self._owned:
            self.thread.end()


def open_run(host: Host, thread: Thread | None, options: ThreadOptions) -> Run:
    """A run in this thread, which stays whose it is, or in one of its own.

    Who is asked for approvals is the thread's, if it has anybody; else the framework asks, before it makes a call.

    Raises:
        Closed: the host is not open, or the thread is closed.
    """
    if thread is not None:
        thread.ensure_loaded()
        return Run(thread, owned=False, asks=False)
    asks = options.get("on_approve") is None
    if asks:
        authority = options.get("authority") or Authority(default_mode="approve")
        options = {**options, "on_approve": _was_asked, "authority": authority}
    return Run(host.thread(**options), owned=True, asks=asks)


def when_gone(watched: object, over: Callable[[Key], None], key: Key) -> None:
    """Call a method with this, on the running event loop, when nobody has the watched object any more."""
    weakref.finalize(watched, _gone, asyncio.get_running_loop(), over, key).atexit = False


def _gone(loop: asyncio.AbstractEventLoop, over: Callable[[Key], None], key: Key) -> None:
    """From whichever OS thread collects garbage."""
    try:
        loop.call_soon_threadsafe(over, key)
    except RuntimeError:  # the loop is closed, and so is the host: nothing runs there that this could disturb
        with suppress(RuntimeError):
            over(key)


def _was_asked(request: ApprovalRequest) -> bool:
    """The framework makes no call that `needs_approval` before it is approved."""
    return True
