"""A thread for what may hang, such as a keyring that is locked: nobody else's work has to wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class OwnThread:
    """Runs one function after the other. Its thread lives while there are any, and no program waits for it at its end.

    `patience` is how many seconds a caller waits.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._name = name
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._stuck = False
        """Somebody gave up waiting while it was busy, and it still is."""

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns or raises. If its caller gives up before its turn comes, it never runs.

        Raises:
            TimeoutError: it did not end in time, or something that was given up on before still has not ended.
        """
        done = self._begin(work)
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                return await asyncio.wrap_future(done)
        except TimeoutError:
            if limit.expired():
                self._given_up()
            raise

    def wait(self, work: Callable[[], _T]) -> _T:
        """`run` for who may block.

        Raises: as `run`.
        """
        done = self._begin(work)
        try:
            return done.result(self._patience)
        except TimeoutError:
            if not done.done():
                done.cancel()
                self._given_up()
            raise

    def _begin(self, work: Callable[[], _T]) -> Future[_T]:
        done: Future[_T] = Future()
        with self._lock:
            if self._stuck:
                raise TimeoutError
            self._waiting.append((done, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        return done

    def _given_up(self) -> None:
        with self._lock:
            self._stuck = self._busy

    def _work(self) -> None:
        while (job := self._next()) is not None:
            done, work = job
            if not done.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:  # for whoever waits
                self._rest()
                done.set_exception(error)
            else:
                self._rest()
                done.set_result(result)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            self._busy = bool(self._waiting)
            if not self._busy:
                self._thread = None
                return None
            return self._waiting.popleft()

    def _rest(self) -> None:
        with self._lock:
            self._busy = self._stuck = False
