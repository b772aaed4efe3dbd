"""The door through which OS threads and other event loops reach the host's event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from mcpool.errors import Closed, WrongProcess

LOOK_EVERY = 1.0
"""Seconds between looks whether the host's event loop, of which nothing was heard, is still there."""

P = ParamSpec("P")
T = TypeVar("T")


class Portal:
    """Runs functions on the host's event loop, from anywhere else. What the caller abandons is cancelled there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Let nothing in from now on."""
        with self._lock:
            self._closed = True

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function there and wait for its result, blocking this OS thread.

        Raises:
            Closed: the host is closed, or was closed meanwhile.
            WrongProcess: the host belongs to the process that this one was forked from.
            RuntimeError: called on the host's own loop, which it would block for ever.
        """
        running = self._submit(function, *args, **kwargs)
        try:
            while not concurrent.futures.wait([running], LOOK_EVERY).done:
                self._check_open()
            return running.result()
        except concurrent.futures.CancelledError:
            raise Closed(_CLOSED) from None
        except BaseException:
            running.cancel()
            raise

    async def acall(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function there and await its result on this loop, which may be the same one."""
        if asyncio.get_running_loop() is self._loop:
            return await function(*args, **kwargs)
        running = asyncio.wrap_future(self._submit(function, *args, **kwargs))
        try:
            while not (await asyncio.wait([running], timeout=LOOK_EVERY))[0]:
                self._check_open()
            return await running
        except BaseException:
            running.cancel()
            raise

    def _check_open(self) -> None:
        """What was handed to a loop in the moment of its end is never begun, and nobody says so."""
        if self._loop.is_closed():
            raise Closed(_CLOSED)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a plain function there and wait for its result, blocking this OS thread."""

        async def run() -> T:
            return function(*args, **kwargs)

        return self.call(run)

    def _submit(
        self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            msg = "this is the host's own event loop; await the function itself instead of going through the portal"
            raise RuntimeError(msg)
        if os.getpid() != self._pid:
            raise WrongProcess("this host was opened before a fork; open another in the child process")
        with self._lock:
            if self._closed or self._loop.is_closed():
                raise Closed(_CLOSED)
            work = function(*args, **kwargs)
            try:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
            except RuntimeError:
                work.close()
                raise Closed(_CLOSED) from None


_CLOSED = "the host is closed; open another with `mcpool.open`, or keep this one open for as long as it is used"
