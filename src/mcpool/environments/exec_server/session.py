"""What runs for one client, over as many sockets as the client needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from mcpool.environments.exec_server.env_policy import variables_for
from mcpool.environments.exec_server.hosted_process import HostedProcess, PausableLink
from mcpool.environments.exec_server.refusal import Refusal
from mcpool.environments.file_uri import to_path
from mcpool.environments.protocol import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    SESSION_KEPT,
    Events,
    Read,
    Start,
    Started,
    Terminate,
    Terminated,
    Write,
    Written,
)
from mcpool.errors import ServerUnavailable
from mcpool.launch.spec import LaunchSpec
from mcpool.wire.link import Sink

MOST_PROCESSES = 256
LONGEST_WAIT = 60.0
"""Seconds that a client may wait for a process to do something."""
LOG_NAME = "exec-server"
"""In whose log everything stands that processes write to stderr here."""

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Starter(Protocol):
    """Who starts processes here."""

    async def start(
        self, spec: LaunchSpec, sink: Sink, *, on_stderr: Callable[[bytes], None] | None = None
    ) -> PausableLink:
        """Start one (`launch.local.LocalLauncher`). Raises: ServerUnavailable."""
        ...


class Line(Protocol):
    """The socket that a client has at the moment."""

    @property
    def keeps_up(self) -> bool:
        """Whether it takes what is written to it."""
        ...

    def write(self, message: bytes) -> None:
        """Send a message, soon."""
        ...

    def evict(self) -> None:
        """The client has another one."""
        ...


class Session:
    """The processes of one client."""

    def __init__(self, id: str, starter: Starter, variables: Mapping[str, str], spawn: Spawn) -> None:
        self.id = id
        self._starter = starter
        self._variables = variables
        self._spawn = spawn
        self._processes: dict[str, HostedProcess | None] = {}
        """None: it is being started."""
        self._line: Line | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._over = False

    def attach(self, line: Line) -> None:
        """The client has this line from now on."""
        before, self._line = self._line, line
        if before is not None:
            before.evict()
        self.look_again()

    def detach(self, line: Line) -> bool:
        """The line was lost. Returns whether it was the one that the client had."""
        if self._line is not line:
            return False
        self._line = None
        self.look_again()
        return True

    @property
    def attached(self) -> bool:
        """Whether the client has a line."""
        return self._line is not None

    def look_again(self) -> None:
        """The line keeps up again, or no more."""
        for process in self._processes.values():
            if process is not None:
                process.look_again()

    async def end(self) -> None:
        """End everything that runs here, and wait until it is gone."""
        self._over = True
        for timer in self._timers:
            timer.cancel()
        links = [process.link for process in self._processes.values() if process and process.link]
        await asyncio.gather(*(link.close() for link in links))

    # ------------------------------------------------------------------ what clients ask for

    async def start(self, asked: Start) -> Started:
        """Start a process. Raises: Refusal."""
        id = asked.process_id
        if not asked.argv:
            raise Refusal(INVALID_PARAMS, "argv must not be empty")
        if asked.tty:
            raise Refusal(INVALID_REQUEST, "this executor has no terminals; start it without `tty`")
        if id in self._processes:
            raise Refusal(INVALID_REQUEST, f"process {id} already exists")
        if len(self._processes) >= MOST_PROCESSES or self._over:
            raise Refusal(INVALID_REQUEST, f"a session may have {MOST_PROCESSES} processes")
        try:
            cwd = to_path(asked.cwd)
        except ValueError as error:
            raise Refusal(INVALID_PARAMS, str(error)) from None
        env = tuple(sorted(variables_for(asked, self._variables).items()))
        process = HostedProcess(id, self._announce, self._heard, lambda: self._forget_later(id))
        self._processes[id] = None
        try:
            process.link = await self._starter.start(
                LaunchSpec(LOG_NAME, asked.argv, env, cwd), process, on_stderr=process.on_stderr
            )
        except ServerUnavailable as error:
            del self._processes[id]
            raise Refusal(INVALID_REQUEST, error.message) from None
        except BaseException:
            del self._processes[id]
            raise
        self._processes[id] = process
        return Started(id)

    def read(self, asked: Read) -> Events | Coroutine[Any, Any, Events]:
        """What a process did, when it did something or the time is over. Raises: Refusal."""
        process = self._known(asked.process_id)
        told = process.read(asked)
        if told.chunks or told.exited or not asked.wait_ms:
            return told
        return process.read_later(asked, min(asked.wait_ms / 1000, LONGEST_WAIT))

    def write(self, asked: Write) -> Written:
        """Give a process input."""
        if asked.process_id not in self._processes:
            return Written("unknownProcess")
        process = self._processes[asked.process_id]
        return Written("starting" if process is None else process.write(asked.chunk, asked.write_id))

    def terminate(self, asked: Terminate) -> Terminated:
        """Begin to end a process."""
        process = self._processes.get(asked.process_id)
        if process is None or process.ended or process.link is None:
            return Terminated(False)
        self._spawn(process.link.close())
        return Terminated(True)

    # ------------------------------------------------------------------

    def _known(self, id: str) -> HostedProcess:
        if id not in self._processes:
            raise Refusal(INVALID_REQUEST, f"unknown process id {id}")
        process = self._processes[id]
        if process is None:
            raise Refusal(INVALID_REQUEST, f"process id {id} is starting")
        return process

    def _announce(self, message: bytes) -> None:
        if self._line is not None:
            self._line.write(message)

    def _heard(self) -> bool:
        return self._line is not None and self._line.keeps_up

    def _forget_later(self, id: str) -> None:
        if self._over:
            return
        loop = asyncio.get_running_loop()

        def forget() -> None:
            self._timers.discard(timer)
            self._processes.pop(id, None)

        timer = loop.call_later(SESSION_KEPT, forget)
        self._timers.add(timer)
