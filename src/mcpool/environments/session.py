"""A session with an executor: what goes on in it, over as many sockets as that takes.

Requests that do no harm twice are sent again over the next socket; others end with the one that they were sent over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol, TypeVar

import msgspec

from mcpool.environments import protocol
from mcpool.environments.protocol import Closed, Exited, Fault, HttpBody, HttpCancel, Info, Message, Output, Terminate
from mcpool.environments.socket import Socket
from mcpool.errors import EnvironmentUnavailable

T = TypeVar("T")
FIRST_ID = 16
"""Smaller numbers are those of the handshake."""


class Refused(Exception):
    """The executor answered with an error."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Process(Protocol):
    """Who hears of one process."""

    def on_event(self, note: Output | Exited | Closed) -> None:
        """It did something."""
        ...

    def on_resumed(self) -> None:
        """There is another socket; what was announced on the one before may be lost."""
        ...

    def on_lost(self, reason: str) -> None:
        """The session is gone, and the process with it."""
        ...


class Body(Protocol):
    """Who hears of the body of one HTTP answer."""

    def on_piece(self, note: HttpBody) -> None:
        """A piece of it came."""
        ...

    def on_lost(self, reason: str) -> None:
        """No more of it comes."""
        ...


Settle = Callable[[Message | None], None]
"""Hears the answer, once; None: none comes any more."""


@dataclass(eq=False, slots=True)
class Asked:
    """One request without an answer."""

    id: int
    body: bytes
    again: bool
    settle: Settle
    left: bool = False
    """Its bytes began to leave: the executor may have got it."""
    repeated: bool = False
    """They did so more than once: what is answered need not be all that came of it."""


class Session:
    """One handle on an environment. Made by the handshake, ended by `lose`."""

    def __init__(self, environment: str, handle: int, id: str, info: Info) -> None:
        self.environment = environment
        self.handle = handle
        self.id = id
        self.info = info
        self.lost: str | None = None
        """Why it is gone, once it is."""
        self.connected = False
        """Whether there is a socket just now."""
        self._next_id = FIRST_ID
        self._asked: dict[int, Asked] = {}
        self._outbox: deque[Asked] = deque()
        self._wake = asyncio.Event()
        self._processes: dict[str, Process] = {}
        self._bodies: dict[str, Body] = {}

    def __repr__(self) -> str:
        state = self.lost or f"{len(self._processes)} processes, {len(self._asked)} unanswered"
        return f"<Session {self.environment}#{self.handle} [{state}]>"

    # ------------------------------------------------------------------ asking

    def ask(self, method: str, params: msgspec.Struct, settle: Settle, *, again: bool = True) -> Asked:
        """Send a request as soon as there is a socket. `again`: it does no harm twice.

        Raises: EnvironmentUnavailable, if the session is gone.
        """
        if self.lost is not None:
            raise self.gone()
        id = self._next_id
        self._next_id += 1

        def settled(message: Message | None) -> None:
            self._asked.pop(id, None)
            settle(message)

        asked = Asked(id, protocol.request(id, method, params), again, settled)
        self._asked[id] = asked
        self._outbox.append(asked)
        self._wake.set()
        return asked

    async def request(self, method: str, params: msgspec.Struct, kind: type[T], *, again: bool = True) -> T:
        """Ask and wait for the answer.

        Raises:
            Refused: the executor answered with an error.
            EnvironmentUnavailable: no answer comes any more.
        """
        answered: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()

        def settle(message: Message | None) -> None:
            if not answered.done():
                answered.set_result(message)

        asked = self.ask(method, params, settle, again=again)
        try:
            return self.read(await answered, kind)
        except asyncio.CancelledError:
            self.withdraw(asked)
            raise

    def read(self, message: Message | None, kind: type[T]) -> T:
        """The result in an answer. Raises: as `request`."""
        if message is None:
            raise self.gone()
        if message.error is not None:
            raise Refused(message.error)
        try:
            return msgspec.json.decode(message.result, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise EnvironmentUnavailable(self.environment, f"its answer is not understood: {error}") from None

    def withdraw(self, asked: Asked) -> None:
        """Nobody wants the answer any more: do not send it, or not again."""
        self._asked.pop(asked.id, None)
        with suppress(ValueError):
            self._outbox.remove(asked)

    def gone(self) -> EnvironmentUnavailable:
        """The error of whoever waits for what can't come."""
        return EnvironmentUnavailable(self.environment, self.lost or "the connection to it was lost")

    def attach(self, id: str, process: Process) -> None:
        """Hear of a process from now on."""
        self._processes[id] = process

    def detach(self, id: str) -> None:
        """Hear no more of it."""
        self._processes.pop(id, None)

    def expect_body(self, id: str, body: Body) -> None:
        """Hear of the body of an HTTP answer from now on."""
        self._bodies[id] = body

    def forget_body(self, id: str) -> None:
        """Hear no more of it."""
        self._bodies.pop(id, None)

    def cancel_body(self, id: str) -> None:
        """Hear no more of it, and have the executor go on no more, if it is one that can be told."""
        known = self._bodies.pop(id, None) is not None
        if known and self.lost is None and self.info.capabilities.mcpool_http_cancel:
            self.ask(protocol.HTTP_CANCEL, HttpCancel(id), _unheard)

    # ------------------------------------------------------------------ carrying

    async def serve(self, socket: Socket) -> NoReturn:
        """Carry everything over this socket until it is lost. Raises: ConnectionError, always."""
        writing = asyncio.ensure_future(self._write(socket))
        reading = asyncio.ensure_future(self._read(socket))
        self.connected = True
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.connected = False
            writing.cancel()
            reading.cancel()
            await asyncio.wait((writing, reading))
        for task in (reading, writing):
            if not task.cancelled():
                task.result()
        raise ConnectionError("the socket is gone")

    async def say_goodbye(self, socket: Socket) -> None:
        """Have everything ended that runs there. Raises: ConnectionError."""
        for id in tuple(self._processes):
            await socket.send(protocol.request(FIRST_ID - 1, protocol.TERMINATE, Terminate(id)))

    def hear(self, message: Message) -> None:
        """Something came."""
        if message.method is None:
            asked = self._asked.get(message.id) if isinstance(message.id, int) else None
            if asked is not None:
                asked.settle(message)
            return
        try:
            self._announce(message)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConnectionError(f"it announced something that is not understood: {error}") from None

    def dropped(self) -> None:
        """The socket was lost: what must not be sent twice ends with it."""
        self._outbox.clear()
        for asked in [asked for asked in self._asked.values() if not asked.again]:
            asked.settle(None)
        self._lose_bodies("the connection to the environment was lost")

    def resumed(self) -> None:
        """There is another socket: ask for what was missed, and send again what is unanswered."""
        for process in tuple(self._processes.values()):
            process.on_resumed()
        self._outbox = deque(self._asked.values())
        self._wake.set()

    def lose(self, reason: str) -> None:
        """It is gone for good."""
        if self.lost is not None:
            return
        self.lost = reason
        self._outbox.clear()
        for asked in tuple(self._asked.values()):
            asked.settle(None)
        self._lose_bodies(reason)
        processes, self._processes = self._processes, {}
        for process in processes.values():
            process.on_lost(reason)

    def _lose_bodies(self, reason: str) -> None:
        bodies, self._bodies = self._bodies, {}
        for body in bodies.values():
            body.on_lost(reason)

    def _announce(self, message: Message) -> None:
        match message.method:
            case protocol.OUTPUT:
                note = msgspec.json.decode(message.params, type=Output)
            case protocol.EXITED:
                note = msgspec.json.decode(message.params, type=Exited)
            case protocol.CLOSED:
                note = msgspec.json.decode(message.params, type=Closed)
            case protocol.HTTP_BODY:
                piece = msgspec.json.decode(message.params, type=HttpBody)
                if body := self._bodies.get(piece.request_id):
                    body.on_piece(piece)
                return
            case _:
                return
        if process := self._processes.get(note.process_id):
            process.on_event(note)

    async def _read(self, socket: Socket) -> None:
        while True:
            self.hear(understood(await socket.receive()))

    async def _write(self, socket: Socket) -> None:
        while True:
            while self._outbox:
                asked = self._outbox.popleft()
                asked.repeated, asked.left = asked.left, True
                await socket.send(asked.body)
            self._wake.clear()
            await self._wake.wait()


def _unheard(_: Message | None) -> None:
    """What comes of a request does not matter."""


def understood(frame: bytes) -> Message:
    """A message read. Raises: ConnectionError, if it is none: nobody knows what was lost with it."""
    try:
        return msgspec.json.decode(frame, type=Message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConnectionError(f"it sent what is no message of this protocol: {error}") from None
