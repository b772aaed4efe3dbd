"""One local server process: its pipes, its exit, and its end together with everything that descends from it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mcpool.launch.ending import Quarry, end_processes, reap
from mcpool.launch.exit_watch import exit_status, watch_exit
from mcpool.launch.input_pipe import InputPipe
from mcpool.launch.output_pipe import OutputPipe
from mcpool.launch.process_table import SERVER_COOKIE, look
from mcpool.launch.stderr_lines import StderrLines
from mcpool.launch.work import work_of
from mcpool.wire.link import Sink

_STDERR_READ = 65536

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step of a stop may take, in seconds."""

    after_eof: float = 2.0
    """From closing the server's input to SIGTERM."""
    after_term: float = 2.0
    """From SIGTERM to SIGKILL."""


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """A process just started, and our ends of its pipes."""

    server: str
    mark: str
    """The value of the `MCPOOL_SERVER` cookie that its descendants inherit."""
    process: subprocess.Popen[bytes]
    stdin: int
    stdout: int
    stderr: int


class LocalLink:
    """A `Link` to a process on this machine. Made by `LocalLauncher.start` alone."""

    def __init__(
        self,
        started: StartedProcess,
        sink: Sink,
        *,
        patience: Patience,
        log: Callable[[list[bytes]], None],
        finish: Callable[[], Coroutine[Any, Any, None]],
        on_stderr: Callable[[bytes], None] | None = None,
    ) -> None:
        """`log` gets the lines of stderr, `on_stderr` all of it as it comes; `finish` runs once, after the last
        descendant is gone."""
        loop = asyncio.get_running_loop()
        self.server = started.server
        self._loop = loop
        self._process = started.process
        self._mark = started.mark
        self._sink = sink
        self._patience = patience
        self._log = log
        self._finish = finish
        self._hear_stderr = on_stderr
        self._lines = StderrLines()
        self._ended = False
        self._hurried = False
        self._no_more_waiting = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        row = look(self._process.pid)
        self._since = row.started if row else 0
        self._stdin = InputPipe(loop, started.stdin, self._on_input_closed)
        self._stdout = OutputPipe(loop, started.stdout, sink.on_bytes, self._on_output_end)
        self._stderr = OutputPipe(loop, started.stderr, self._on_stderr, self._on_stderr_end, largest=_STDERR_READ)
        self._exit = watch_exit(loop, self._process.pid, self._on_exit)

    def __repr__(self) -> str:
        state = "ended" if self._ended else "ending" if self._ending else "running"
        return f"<LocalLink {self.server} [pid {self._process.pid}, {state}]>"

    @property
    def pid(self) -> int | None:
        """Process id of the server."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs and can read, asked of the system afresh."""
        return not self._ended and not self._hurried and self._stdin.open and not self._exit.exited

    @property
    def sent(self) -> int:
        """Bytes of `write` that have left this process. After the exit: without those that were provably never read."""
        return self._stdin.sent

    @property
    def buffered(self) -> int:
        """Bytes of `write` that wait because the server does not read."""
        return self._stdin.buffered

    def write(self, data: bytes) -> None:
        """Send bytes, in order, never blocking. After death it does nothing."""
        self._stdin.write(data)

    def last_words(self) -> str:
        """The last lines of the server's stderr; empty if it said nothing."""
        return self._lines.last_words()

    def work_done(self) -> int:
        """Processor time that it and its descendants used, and what they read from disk."""
        return 0 if self._ended else work_of(self._process.pid)

    def pause_reading(self) -> None:
        """Leave what it writes in its pipes, so that it waits once they are full. Its end is told all the same."""
        self._stdout.pause()
        self._stderr.pause()

    def resume_reading(self) -> None:
        """Read again."""
        self._stdout.resume()
        self._stderr.resume()

    async def close(self) -> None:
        """Close its input, wait, SIGTERM, wait, SIGKILL, until no descendant is left.

        Safe to call twice and from any task; once begun it completes even if the caller is cancelled.
        """
        await asyncio.shield(self._begin_ending())

    def kill(self) -> None:
        """SIGKILL it and its group now; descendants elsewhere follow. `close` waits until they are gone."""
        self._hurried = True
        self._no_more_waiting.set()
        self._signal_group(signal.SIGKILL)
        if not self._loop.is_closed():
            self._begin_ending()

    def _begin_ending(self) -> asyncio.Task[None]:
        if self._ending is None:
            self._ending = self._loop.create_task(self._end(), name=f"mcpool-end-{self.server}")
        return self._ending

    async def _end(self) -> None:
        if not self._hurried:
            self._stdin.close()
            await self._wait_for_exit(self._patience.after_eof)
        grace = 0.0 if self._hurried else self._patience.after_term
        quarry = Quarry(
            lambda row: row.carries(SERVER_COOKIE, self._mark), groups=(self._process.pid,), since=self._since
        )
        left = await end_processes(quarry, grace=grace, force=lambda: self._signal_group(signal.SIGKILL))
        if left:
            _logger.warning("`%s`: processes that even SIGKILL did not end: %s", self.server, left)
        self._no_more_waiting.clear()
        await self._wait_for_exit(self._patience.after_term)
        self._on_exit()
        self._stdin.close()
        self._stderr.drain()
        self._stderr.close()
        self._exit.close()
        await reap(self._process)
        await self._finish()

    async def _wait_for_exit(self, seconds: float) -> None:
        if self._ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._no_more_waiting.wait()

    def _signal_group(self, number: int) -> None:
        # The number can't have become another group's: its leader is waited for only at the very end.
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _on_output_end(self) -> None:
        """No answer can come any more, so what it did not get yet must never reach it: it will be sent elsewhere."""
        self._stdin.finish()
        self._sink.on_eof()

    def _on_input_closed(self) -> None:
        """It reads no more, so it has at most the answers left to give that it owes."""
        self._stdin.settle()
        self._begin_ending()

    def _on_exit(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._no_more_waiting.set()
        status = exit_status(self._process.pid)
        if status is None:
            # No way to look without taking it: from here on its number may become another's.
            status = self._process.poll()
        self._stderr.drain()
        try:
            self._stdout.drain()
        except Exception as error:
            self._blame_sink(error)
        self._stdout.close()
        self._stdin.settle()
        try:
            self._sink.on_exit(status)
        except Exception as error:
            self._blame_sink(error)
        self._begin_ending()

    def _blame_sink(self, error: Exception) -> None:
        # Whoever listens can't keep the server from being ended.
        message = f"the sink of `{self.server}` failed at the server's exit"
        self._loop.call_exception_handler({"message": message, "exception": error})

    def _on_stderr(self, data: bytes) -> None:
        self._log(self._lines.feed(data))
        if self._hear_stderr is not None:
            self._hear_stderr(data)

    def _on_stderr_end(self) -> None:
        self._log(self._lines.end())
