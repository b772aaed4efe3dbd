"""The host's side of the warden: starts it, keeps it told, and replaces it if it dies."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mcpool.errors import McpoolError
from mcpool.launch import warden as warden_program
from mcpool.launch.ending import reap
from mcpool.launch.exit_watch import ExitWatch, watch_exit
from mcpool.launch.own_python import own_python
from mcpool.launch.to_the_end import to_the_end

_logger = logging.getLogger(__name__)

RETRY_AFTER = (0.0, 0.1, 1.0, 5.0)
"""Seconds before each replacement in a row; one that lives for `PROVEN` begins anew."""
PROVEN = 10.0
_DISMISSED_WITHIN = 2.0
_DONE_WITHIN = 5.0
_LOG_LIMIT = 1024 * 1024
_NOT_FOR_THE_WARDEN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INHERITED = ("PATH", "HOME", "XDG_RUNTIME_DIR", "CONTAINER_HOST")


class Warden:
    """Sees to it that nothing this host started outlives it. An async context manager."""

    def __init__(self, home: Path, cookie: str, environ: Mapping[str, str]) -> None:
        self._home = home
        self._cookie = cookie
        # Without any cookie: a host above this one must not end the warden together with its host.
        self._environ = {
            name: value for name, value in environ.items() if name in _INHERITED or name.startswith("DOCKER_")
        }
        self._groups: dict[int, str] = {}
        self._containers: set[tuple[str, ...]] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._exit: ExitWatch | None = None
        self._exited = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._in_a_row = 0
        self._started_at = 0.0
        self._closed = False
        self.replaced = 0
        """How often a dead warden was replaced."""

    @classmethod
    def open(cls, home: Path, cookie: str = "", environ: Mapping[str, str] | None = None) -> Self:
        """The warden of the host with this cookie, to be entered with `async with`.

        `environ` is where container programs find their settings. Entering raises `McpoolError` if it can't be started.
        """
        return cls(home, cookie, os.environ if environ is None else environ)

    def __repr__(self) -> str:
        return f"<Warden [pid {self.pid}, {len(self._groups)} groups, {self.replaced} replaced]>"

    @property
    def pid(self) -> int | None:
        """Process id of the warden in office, None while there is none."""
        return self._process.pid if self._process is not None else None

    def watch(self, pgid: int, label: str) -> None:
        """From now on this process group is ended if the host dies. `label` is for people."""
        self._groups[pgid] = label
        self._tell(f"watch {pgid}\n")

    def unwatch(self, pgid: int) -> None:
        """That group is gone."""
        if self._groups.pop(pgid, None) is not None:
            self._tell(f"unwatch {pgid}\n")

    def containers_of(self, client: Sequence[str]) -> None:
        """From now on containers that this program started for this host are removed if the host dies."""
        if tuple(client) not in self._containers:
            self._containers.add(tuple(client))
            self._tell("container " + "\x1f".join(client) + "\n")

    async def __aenter__(self) -> Self:
        try:
            self._start()
        except OSError as error:
            msg = f"the warden, which ends servers if this host dies, could not be started ({own_python()}): {error}"
            raise McpoolError(msg) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._close())

    async def _close(self) -> None:
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        if self._process is None:
            return
        dismissed = not self._groups
        if dismissed:
            self._tell("bye\n")
        # With groups left it is not dismissed: at the end of its input it ends them.
        self._hang_up()
        try:
            async with asyncio.timeout(_DISMISSED_WITHIN if dismissed else _DONE_WITHIN):
                await self._exited.wait()
        except TimeoutError:
            if dismissed:
                self._process.kill()
        await reap(self._process)
        if self._exit is not None:
            self._exit.close()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        log = self._open_log()
        # Inherited: there is no moment at which one of these could end the warden. What comes meanwhile is not lost.
        allowed = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_FOR_THE_WARDEN)
        try:
            self._process = subprocess.Popen(
                [own_python(), "-I", "-S", warden_program.__file__, str(os.getpid()), self._cookie],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self._environ,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(write)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
            os.close(read)
            if log >= 0:
                os.close(log)
        os.set_blocking(write, False)
        self._pipe = write
        self._exited.clear()
        self._started_at = loop.time()
        self._exit = watch_exit(loop, self._process.pid, self._on_exit)
        for group in self._groups:
            self._tell(f"watch {group}\n")
        for client in self._containers:
            self._tell("container " + "\x1f".join(client) + "\n")

    def _open_log(self) -> int:
        # No server has a log of such a name.
        path = self._home / "logs" / ".warden.log"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(handle).st_size > _LOG_LIMIT:
                os.ftruncate(handle, 0)
        except OSError:
            return subprocess.DEVNULL
        return handle

    def _tell(self, line: str) -> None:
        if self._pipe is None:
            return
        data = os.fsencode(line)
        try:
            written = os.write(self._pipe, data)
        except BrokenPipeError:
            # It died: its exit is about to be reported, and its successor is told everything.
            return
        except BlockingIOError:
            written = 0
        if written < len(data) and self._process is not None:
            # One that doesn't listen is of no use; the next one will.
            self._process.kill()

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _on_exit(self) -> None:
        self._exited.set()
        if self._closed or self._process is None:
            return
        loop = asyncio.get_running_loop()
        status = self._process.poll()
        self._hang_up()
        if loop.time() - self._started_at >= PROVEN:
            self._in_a_row = 0
        delay = RETRY_AFTER[min(self._in_a_row, len(RETRY_AFTER) - 1)]
        self._in_a_row += 1
        _logger.warning("the warden (pid %s) ended with status %s; starting another", self._process.pid, status)
        self._process = None
        if delay:
            self._retry = loop.call_later(delay, self._replace)
        else:
            self._replace()

    def _replace(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._start()
        except OSError as error:
            _logger.error("the warden could not be replaced, trying again: %s", error)
            self._retry = loop.call_later(RETRY_AFTER[-1], self._replace)
        else:
            self.replaced += 1
