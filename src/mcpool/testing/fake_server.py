"""An MCP server for tests: real processes, whose behaviour is in the hands of the test."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcpool.testing import relay
from mcpool.testing.answers import Era, FakeTool, Message, Run
from mcpool.testing.fake_process import FakeProcess
from mcpool.testing.faults import END, START, Fault

PATIENCE = 30.0
"""Seconds that `wait_for` and `kill` wait at most."""

_LONGEST_LINE = 1 << 28


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool, and the process that got it."""

    pid: int
    tool: str
    arguments: dict[str, Any]


class FakeServer:
    """A server that any MCP client can start, by `entry`. Use it with `with`; all its methods may be called from any OS
    thread, and none needs an event loop.

    Each process of it is a real one, with an id that can be killed, but only passes on what it gets: tools run here, in
    an OS thread of the server's own, so they can use whatever the test has. They should not block; they may be async.
    """

    def __init__(self, name: str = "fake", *, eras: tuple[Era, ...] = ("handshake",)) -> None:
        """`eras` are those of the protocol that it speaks: `handshake` (to 2025-11-25), `modern` (2026-07-28)."""
        self.name = name
        self.eras = eras
        self._tools: dict[str, FakeTool] = {"echo": FakeTool("echo", lambda arguments: arguments)}
        self._faults: dict[str, deque[Fault]] = {}
        self._changed = threading.Condition()
        self._received: list[tuple[int, Message]] = []
        self._processes: dict[int, FakeProcess] = {}
        self._folder = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        return f"<FakeServer {self.name} {self.pids}>"

    def __enter__(self) -> Self:
        if self._folder:
            raise RuntimeError("a fake server runs once; make another")
        self._folder = tempfile.mkdtemp(prefix="mcpool-")
        door = socket.socket(socket.AF_UNIX)
        door.bind(self._address)
        door.listen()  # what is started from now on is let in, be it a little later
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, door), name=repr(self), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on_loop(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------------ how it is started

    @property
    def entry(self) -> dict[str, Any]:
        """What an `mcpServers` table says of it."""
        return {"command": sys.executable, "args": ["-I", "-S", relay.__file__, self._address]}

    @property
    def config(self) -> dict[str, Any]:
        """A whole configuration with this server alone, for `mcpool.open` or any other client."""
        return {"mcpServers": {self.name: self.entry}}

    # ------------------------------------------------------------------ how it behaves

    @property
    def tools(self) -> dict[str, FakeTool]:
        """The tools that it has now. At first there is `echo`, which returns its arguments."""
        with self._changed:
            return dict(self._tools)

    def tool(
        self,
        name: str,
        run: Run | None = None,
        *,
        description: str = "",
        schema: Mapping[str, Any] | None = None,
        annotations: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a tool, or replace the one of this name; processes that run tell that their list changed.

        Args:
            run: gets the arguments; returns the text of the result, or its structured content, or an awaitable of
                either. What it raises fails the tool. Without it, the tool returns its arguments.
            schema: of the input; any object if None.
            annotations: as the protocol has them, `{"readOnlyHint": True}`.
        """
        schema = {"type": "object"} if schema is None else schema
        tool = FakeTool(name, run or (lambda arguments: arguments), description, schema, dict(annotations or {}))
        with self._changed:
            self._tools[name] = tool
        self._tell_tools_changed()

    def remove_tool(self, name: str) -> None:
        """Take a tool away; processes that run tell that their list changed. Raises: KeyError, if there is none."""
        with self._changed:
            del self._tools[name]
        self._tell_tools_changed()

    def will(self, what: str, *faults: Fault) -> None:
        """Let something go wrong: each fault once, with the next calls of a tool, or requests of a method
        (`tools/list`, say), or starts of a process (`START`), in whichever process."""
        with self._changed:
            self._faults.setdefault(what, deque()).extend(faults)

    def kill(self) -> None:
        """Kill every process that runs, as `kill -9` does, and wait until they are gone.

        Raises:
            TimeoutError: they are not gone after 30 s.
        """
        with self._changed:
            killed = list(self._processes)
            for pid in killed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self._changed.wait_for(lambda: self._processes.keys().isdisjoint(killed), PATIENCE):
                raise TimeoutError(f"{self!r}: not all of {killed} are gone {PATIENCE:g} s after they were killed")

    # ------------------------------------------------------------------ what it got

    @property
    def pids(self) -> list[int]:
        """The processes that run, oldest first."""
        with self._changed:
            return list(self._processes)

    @property
    def starts(self) -> int:
        """How many processes were started so far."""
        return len(self.received(START))

    def received(self, method: str) -> list[Message]:
        """Every request and notification of this method so far, of all processes, as it came."""
        with self._changed:
            return [message for _, message in self._received if message["method"] == method]

    def calls(self, tool: str | None = None) -> list[Call]:
        """Every call so far, of all processes, whatever became of it; of one tool, or of all."""
        with self._changed:
            got = [
                (pid, message.get("params", {})) for pid, message in self._received if message["method"] == "tools/call"
            ]
        made = [Call(pid, params.get("name", ""), params.get("arguments") or {}) for pid, params in got]
        return [call for call in made if tool in (None, call.tool)]

    def wait_for(self, method: str, count: int = 1, *, timeout: float = PATIENCE) -> list[Message]:
        """Wait until so many requests and notifications of this method came in all (blocking); they are returned.

        Raises:
            TimeoutError: they did not come within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.received(method)) >= count, timeout):
                got = len(self.received(method))
                raise TimeoutError(f"{self!r}: {got} of {count} messages {method} came within {timeout:g} s")
            return self.received(method)

    async def arrival(self, method: str, count: int = 1, *, timeout: float = PATIENCE) -> list[Message]:
        """`wait_for`, for a test with an event loop."""
        return await asyncio.to_thread(self.wait_for, method, count, timeout=timeout)

    # ------------------------------------------------------------------ the script of its processes

    def next_fault(self, what: str) -> Fault | None:
        """What goes wrong this time, and not again."""
        with self._changed:
            waiting = self._faults.get(what)
            return waiting.popleft() if waiting else None

    def note(self, pid: int, message: Message) -> None:
        """Write down what a process got."""
        with self._changed:
            self._received.append((pid, message))
            self._changed.notify_all()

    def began(self, process: FakeProcess) -> None:
        """A process runs."""
        with self._changed:
            self._processes[process.pid] = process
        self.note(process.pid, {"method": START})

    def ended(self, process: FakeProcess) -> None:
        """A process is gone."""
        with self._changed:
            self._processes.pop(process.pid, None)
        self.note(process.pid, {"method": END})

    # ------------------------------------------------------------------ within

    @property
    def _address(self) -> str:
        if not self._folder:
            raise RuntimeError("the fake server is not running; use `with FakeServer() as server`")
        return str(Path(self._folder, "socket"))

    def _tell_tools_changed(self) -> None:
        def tell() -> None:
            for process in self._processes.values():
                process.tools_changed()

        self._on_loop(tell)

    def _on_loop(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # it has stopped: there is nobody to tell
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)

    def _run(self, loop: asyncio.AbstractEventLoop, door: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve(door))

    async def _serve(self, door: socket.socket) -> None:
        lives: set[asyncio.Task[None]] = set()

        async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            lives.add(task)
            try:
                await FakeProcess(self, reader, writer).live()
            except (ConnectionError, asyncio.CancelledError):
                pass  # it was killed, or the test is over
            finally:
                lives.discard(task)

        server = await asyncio.start_unix_server(begin, sock=door, limit=_LONGEST_LINE)
        await self._stop.wait()
        server.close()
        for task in lives:
            task.cancel()
        if lives:
            await asyncio.wait(lives)
