"""An executor in virtual time: our own, over sockets that a test can lose, with processes of no machine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from mcpool.environments.exec_server.connection import Connection, Offer, info_of
from mcpool.environments.exec_server.file_answers import FileAnswers
from mcpool.environments.exec_server.http_answers import HttpAnswers
from mcpool.environments.exec_server.sessions import Sessions
from mcpool.environments.executor import Executor, Patience
from mcpool.environments.states import State
from mcpool.launch.spec import LaunchSpec
from mcpool.wire.link import Sink

LATENCY = 0.01
GREETING = b"it runs\n"
"""What each process writes by itself when it starts."""


class MemorySocket:
    """One end of a socket. What is on its way when it is lost is lost with it."""

    def __init__(self) -> None:
        self.peer: MemorySocket
        self.lost = False
        self.coming: deque[bytes] = deque()
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, message: bytes) -> None:
        await asyncio.sleep(0)
        if self.lost:
            raise ConnectionError("lost")
        self.peer.coming.append(message)
        asyncio.get_running_loop().call_later(LATENCY, self.peer.arrive)

    async def receive(self) -> bytes:
        message = None if self.lost else await self._arrived.get()
        if message is None or self.lost:
            raise ConnectionError("lost")
        return message

    async def close(self) -> None:
        self.drop()

    def arrive(self) -> None:
        """Timers of one moment come in any order; messages do not."""
        message = self.coming.popleft()
        if not self.lost:
            self._arrived.put_nowait(message)

    def drop(self) -> None:
        """Lose it, on both sides."""
        for end in (self, self.peer):
            end.lost = True
            end._arrived.put_nowait(None)


def socket_pair() -> tuple[MemorySocket, MemorySocket]:
    near, far = MemorySocket(), MemorySocket()
    near.peer, far.peer = far, near
    return near, far


class EchoLink:
    """A process that greets, then writes what it reads, in other pieces, and remembers it."""

    pid = None
    sent = 0
    buffered = 0

    def __init__(self, sink: Sink, on_ended: Callable[[], None]) -> None:
        self.sink = sink
        self.read = bytearray()
        self.alive = True
        self.paused = False
        self._on_ended = on_ended
        self._saying: deque[bytes] = deque()
        self.write_out(GREETING)

    def write(self, data: bytes) -> None:
        self.read += data
        self.write_out(data)

    def write_out(self, data: bytes) -> None:
        """Write to its output, soon."""
        for start in range(0, len(data), 7):
            self._saying.append(data[start : start + 7])
            asyncio.get_running_loop().call_later(LATENCY, lambda: self.say(self._saying.popleft()))

    def say(self, data: bytes) -> None:
        if self.alive:
            self.sink.on_bytes(data)

    def exit(self, status: int) -> None:
        if self.alive:
            self.alive = False
            self._on_ended()
            self.sink.on_exit(status)

    def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        self.exit(0)

    def kill(self) -> None:
        self.exit(-9)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class SimulatedExecutor:
    """Our executor, and the way to it."""

    def __init__(self) -> None:
        self.processes: list[EchoLink] = []
        self.running = 0
        self.specs: list[LaunchSpec] = []
        self.reachable = True
        self.stalled = False
        self.dials = 0
        self._sockets: list[MemorySocket] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.restart()

    def restart(self) -> None:
        """Another process: it knows nothing of the sessions of before."""
        sessions = Sessions(self, {"HOME": "/home/there"}, self._spawn)
        self._offer = Offer(sessions, FileAnswers(), HttpAnswers({}), info_of("/srv", {}))
        self.drop()

    def drop(self) -> None:
        """Lose every socket."""
        for socket in self._sockets:
            socket.drop()
        self._sockets.clear()

    async def dial(self) -> MemorySocket:
        """Open a socket to it (`environments.socket.Dial`)."""
        self.dials += 1
        await asyncio.sleep(LATENCY)
        if self.stalled:
            await asyncio.get_running_loop().create_future()
        if not self.reachable:
            raise ConnectionRefusedError("nobody is there")
        near, far = socket_pair()
        self._sockets.append(near)
        self._spawn(Connection(far, self._offer).run())
        return near

    async def start(
        self, spec: LaunchSpec, sink: Sink, *, on_stderr: Callable[[bytes], None] | None = None
    ) -> EchoLink:
        """Start a process (`exec_server.session.Starter`)."""
        self.specs.append(spec)
        self.running += 1
        link = EchoLink(sink, self._ended)
        self.processes.append(link)
        return link

    async def close(self) -> None:
        """End everything."""
        self.drop()
        await self._offer.sessions.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self) -> None:
        self.running -= 1

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class PeerOfOurs:
    """Whoever may be at the other end, for as long as a socket lasts."""

    def __init__(self, talk: Callable[[MemorySocket], Coroutine[Any, Any, None]]) -> None:
        self.dials = 0
        self._talk = talk
        self._talking: set[asyncio.Task[None]] = set()

    async def dial(self) -> MemorySocket:
        """Open a socket to it (`environments.socket.Dial`)."""
        self.dials += 1
        near, far = socket_pair()
        talking = asyncio.get_running_loop().create_task(self._talk(far))
        self._talking.add(talking)
        talking.add_done_callback(self._talking.discard)
        return near


class Client:
    """An `Executor`, and what a test wants to know of it."""

    def __init__(self, far: SimulatedExecutor | PeerOfOurs, patience: Patience | None = None) -> None:
        self.changes: list[State] = []
        self._handle = 0
        self._changed = asyncio.Event()
        self.executor = Executor(
            "box",
            far.dial,
            new_handle=self._new_handle,
            on_change=self._on_change,
            chance=lambda: 0.5,
            patience=patience,
        )

    def _new_handle(self) -> int:
        self._handle += 1
        return self._handle

    def _on_change(self, executor: Executor) -> None:
        self.changes.append(executor.state)
        self._changed.set()

    async def until(self, state: State) -> None:
        """Wait for a state."""
        while self.executor.state is not state:
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def simulated(patience: Patience | None = None) -> AsyncGenerator[tuple[SimulatedExecutor, Client]]:
    """An executor and a client of it, closed in the end."""
    far = SimulatedExecutor()
    client = Client(far, patience)
    owner = asyncio.get_running_loop().create_task(client.executor.own())
    try:
        yield far, client
    finally:
        owner.cancel()
        await asyncio.wait([owner])
        await far.close()
