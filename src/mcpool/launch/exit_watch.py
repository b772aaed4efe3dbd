"""Hear at once when a process ends, without threads: pidfd on Linux, kqueue on macOS, else looking now and then."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

POLL_EVERY = 0.05
"""Seconds between looks where the system offers neither pidfd nor kqueue."""


class ExitWatch(Protocol):
    """Watches one process until it ends or `close` is called."""

    @property
    def exited(self) -> bool:
        """Whether it has ended by now, asked of the system afresh. It may still be a zombie."""
        ...

    def close(self) -> None:
        """Stop watching. Safe to call twice."""
        ...


def watch_exit(loop: asyncio.AbstractEventLoop, pid: int, callback: Callable[[], None]) -> ExitWatch:
    """Call `callback` once, from the loop, when process `pid` (a child or any other) ends, or soon if it has."""
    if sys.platform == "linux":
        try:
            return _PidfdWatch(loop, os.pidfd_open(pid), callback)
        except ProcessLookupError:
            return _OverAlready(loop, callback)
        except (AttributeError, OSError):
            # A kernel before 5.3, or a sandbox that forbids it.
            return _PollingWatch(loop, pid, callback)
    if hasattr(select, "kqueue"):
        try:
            return _KqueueWatch(loop, pid, callback)
        except ProcessLookupError:
            # A child that is a zombie already has nothing left to report here.
            return _OverAlready(loop, callback)
    return _PollingWatch(loop, pid, callback)


def exit_status(pid: int) -> int | None:
    """How child `pid` ended, as `subprocess` says it, leaving it a zombie so that its number stays taken.

    None: it has not ended, is no child of ours, or somebody else waited for it, or the system can't tell.
    """
    if not hasattr(os, "waitid"):
        return None
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


class _OverAlready:
    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._report = loop.call_soon(callback)

    @property
    def exited(self) -> bool:
        return True

    def close(self) -> None:
        self._report.cancel()


class _PidfdWatch:
    def __init__(self, loop: asyncio.AbstractEventLoop, handle: int, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._handle: int | None = handle
        self._callback = callback
        self._exited = False
        self._poller = select.poll()
        self._poller.register(handle, select.POLLIN)
        loop.add_reader(handle, self._on_readable)

    @property
    def exited(self) -> bool:
        if not self._exited and self._handle is not None:
            self._exited = bool(self._poller.poll(0))
        return self._exited

    def close(self) -> None:
        if self._handle is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _on_readable(self) -> None:
        self._exited = True
        self.close()
        self._callback()


class _KqueueWatch:
    def __init__(self, loop: asyncio.AbstractEventLoop, pid: int, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._exited = False
        # `select` has these names on BSD and macOS alone.
        kernel = vars(select)
        self._queue = kernel["kqueue"]()
        event = kernel["kevent"](
            pid,
            filter=kernel["KQ_FILTER_PROC"],
            flags=kernel["KQ_EV_ADD"] | kernel["KQ_EV_ONESHOT"],
            fflags=kernel["KQ_NOTE_EXIT"],
        )
        try:
            self._queue.control([event], 0, 0)
        except ProcessLookupError:
            self._queue.close()
            raise
        loop.add_reader(self._queue.fileno(), self._on_readable)

    @property
    def exited(self) -> bool:
        if not self._exited and not self._queue.closed:
            poller = select.poll()
            poller.register(self._queue.fileno(), select.POLLIN)
            self._exited = bool(poller.poll(0))
        return self._exited

    def close(self) -> None:
        if not self._queue.closed:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._queue.fileno())
            self._queue.close()

    def _on_readable(self) -> None:
        self._exited = True
        self.close()
        self._callback()


class _PollingWatch:
    def __init__(self, loop: asyncio.AbstractEventLoop, pid: int, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._pid = pid
        self._callback = callback
        self._exited = False
        self._timer: asyncio.TimerHandle | None = loop.call_later(POLL_EVERY, self._look)

    @property
    def exited(self) -> bool:
        if not self._exited and self._timer is not None:
            self._exited = _is_over(self._pid)
        return self._exited

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self.exited:
            self._timer = None
            self._callback()
        else:
            self._timer = self._loop.call_later(POLL_EVERY, self._look)


def _is_over(pid: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
