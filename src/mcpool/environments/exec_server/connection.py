"""One socket of a client: what it asks is answered, what happens is announced."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mcpool.environments import protocol
from mcpool.environments.exec_server.file_answers import FileAnswers
from mcpool.environments.exec_server.http_answers import HttpAnswers
from mcpool.environments.exec_server.refusal import Refusal
from mcpool.environments.exec_server.session import Session
from mcpool.environments.exec_server.sessions import Sessions
from mcpool.environments.file_uri import to_uri
from mcpool.environments.protocol import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Capabilities,
    HttpCancel,
    HttpRequest,
    Info,
    Initialize,
    Initialized,
    Message,
    Nothing,
    Path,
    Read,
    Shell,
    Start,
    Terminate,
    Write,
)
from mcpool.environments.socket import Socket

ANSWERS_AT_ONCE = 64
"""Requests of one client that may be under way; the next one waits."""
REQUESTS_AT_ONCE = 512
"""HTTP requests of one client that may be under way, which can be for ever; the next one is refused."""
KEEPS_UP = 1024 * 1024
"""Bytes that may wait for a client that still counts as keeping up."""


class Status(protocol.Camel, frozen=True):
    """That of the executor itself."""

    status: str = "ready"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an executor has for its clients."""

    sessions: Sessions
    files: FileAnswers
    http: HttpAnswers
    info: Info


def info_of(root: str, variables: Mapping[str, str]) -> Info:
    """What an executor in this folder tells of itself."""
    shell = variables.get("SHELL") or "/bin/sh"
    capabilities = Capabilities(http_header_env_vars=True, mcpool_http_cancel=True)
    return Info(Shell(os.path.basename(shell), shell), to_uri(root), capabilities)


Answering = Callable[[Any], "msgspec.Struct | Awaitable[msgspec.Struct]"]


class Connection:
    """Run `run` in one task. It is the `Line` of the session that it opens."""

    def __init__(self, socket: Socket, offer: Offer) -> None:
        self._socket = socket
        self._offer = offer
        self._session: Session | None = None
        self._outbox: deque[bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()
        self._requesting: set[asyncio.Task[None]] = set()
        self._streaming: dict[str, asyncio.Task[None]] = {}
        """Those of them whose bodies are streamed, by the ids that the client gave them."""
        self._evicted = False
        self._kept_up = True

    async def run(self) -> None:
        """Until the socket is lost, or the client has another."""
        writing = asyncio.ensure_future(self._write_all())
        reading = asyncio.ensure_future(self._read_all())
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._session is not None:
                self._offer.sessions.detach(self._session, self)
            tasks = {writing, reading, *self._answering, *self._requesting}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._socket.close()
        for task in tasks:
            if not task.cancelled() and not isinstance(task.exception(), ConnectionError | None):
                task.result()

    # ------------------------------------------------------------------ session.Line

    @property
    def keeps_up(self) -> bool:
        """Whether the client takes what is written to it."""
        return self._waiting <= KEEPS_UP

    def write(self, message: bytes) -> None:
        """Send a message, soon."""
        self._outbox.append(message)
        self._waiting += len(message)
        self._kept_up = self.keeps_up
        self._wake.set()

    def evict(self) -> None:
        """The client has another socket."""
        self._evicted = True
        self._wake.set()

    # ------------------------------------------------------------------

    async def _write_all(self) -> None:
        while not self._evicted:
            while self._outbox and not self._evicted:
                message = self._outbox.popleft()
                await self._socket.send(message)
                self._waiting -= len(message)
                if not self._kept_up and self.keeps_up:
                    self._kept_up = True
                    self._drained.set()
                    if self._session is not None:
                        self._session.look_again()
            self._wake.clear()
            if not self._evicted:
                await self._wake.wait()

    async def _read_all(self) -> None:
        while True:
            frame = await self._socket.receive()
            if self._evicted:
                return
            while len(self._answering) >= ANSWERS_AT_ONCE:
                await asyncio.wait(self._answering, return_when=asyncio.FIRST_COMPLETED)
            try:
                message = msgspec.json.decode(frame, type=Message)
            except (msgspec.DecodeError, RecursionError) as error:
                self.write(protocol.refusal(-1, INVALID_REQUEST, f"this is no message: {error}"))
                continue
            if message.method is not None and message.id is not None:
                await self._take(message.id, message.method, message.params)

    async def _take(self, id: int | str, method: str, params: msgspec.Raw) -> None:
        """Answer at once what can be: what a process is told must stay in order."""
        try:
            kind, answering = self._method(method)
            given = b"{}" if bytes(params) == b"null" else params
            try:
                asked = msgspec.json.decode(given, type=kind)
            except (msgspec.DecodeError, RecursionError) as error:
                raise Refusal(INVALID_PARAMS, f"{method}: {error}") from None
            if answering is None:
                self._make_request(id, asked)
                return
            result = answering(asked)
        except Refusal as refusal:
            self.write(protocol.refusal(id, refusal.code, refusal.message))
            return
        if isinstance(result, msgspec.Struct):
            self.write(protocol.answer(id, result))
        elif method == protocol.START:
            await self._answer(id, result)
        else:
            self._beside(self._answer(id, result), self._answering)

    def _beside(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    def _make_request(self, id: int | str, asked: HttpRequest) -> None:
        if len(self._requesting) >= REQUESTS_AT_ONCE:
            raise Refusal(INVALID_REQUEST, f"{REQUESTS_AT_ONCE} HTTP requests are under way, and may not be more")
        task = self._beside(self._answer_request(id, asked), self._requesting)
        if asked.stream_response:
            self._streaming[asked.request_id] = task
            task.add_done_callback(lambda _: self._streamed(asked.request_id, task))

    def _streamed(self, id: str, task: asyncio.Task[None]) -> None:
        if self._streaming.get(id) is task:  # no other has taken its id since
            del self._streaming[id]

    def _cancel_request(self, asked: HttpCancel) -> Nothing:
        task = self._streaming.get(asked.request_id)
        if task is not None:
            task.cancel()
        return Nothing()

    async def _answer_request(self, id: int | str, asked: HttpRequest) -> None:
        try:
            await self._offer.http.request(
                asked, lambda response: self.write(protocol.answer(id, response)), self._send_body
            )
        except Refusal as refusal:
            self.write(protocol.refusal(id, refusal.code, refusal.message))

    async def _answer(self, id: int | str, result: Awaitable[msgspec.Struct]) -> None:
        try:
            self.write(protocol.answer(id, await result))
        except Refusal as refusal:
            self.write(protocol.refusal(id, refusal.code, refusal.message))

    def _method(self, method: str) -> tuple[Any, Answering | None]:
        """What the parameters are, and who answers; None: an HTTP request is to be made. Raises: Refusal."""
        if method == protocol.INITIALIZE:
            return Initialize, self._initialize
        session, offer = self._session, self._offer
        if session is None:
            raise Refusal(INVALID_REQUEST, f"{method} before initialize")
        match method:
            case protocol.HTTP:
                return HttpRequest, None
            case protocol.HTTP_CANCEL:
                return HttpCancel, self._cancel_request
            case protocol.START:
                return Start, session.start
            case protocol.READ:
                return Read, session.read
            case protocol.WRITE:
                return Write, session.write
            case protocol.TERMINATE:
                return Terminate, session.terminate
            case protocol.INFO:
                return Nothing, lambda _: offer.info
            case protocol.STATUS:
                return Nothing, lambda _: Status()
            case protocol.READ_FILE:
                return Path, offer.files.read
            case protocol.READ_FOLDER:
                return Path, offer.files.list
            case protocol.METADATA:
                return Path, offer.files.metadata
            case protocol.REAL_PATH:
                return Path, offer.files.real_path
            case _:
                raise Refusal(METHOD_NOT_FOUND, f"this executor does not know `{method}`")

    def _initialize(self, asked: Initialize) -> Initialized:
        if self._session is not None:
            raise Refusal(INVALID_REQUEST, "initialize comes once")
        self._session = self._offer.sessions.attach(asked.resume_session_id, self)
        return Initialized(self._session.id, self._offer.info)

    async def _send_body(self, piece: protocol.HttpBody) -> None:
        """Send a piece of an HTTP body, when the client keeps up."""
        self.write(protocol.notification(protocol.HTTP_BODY, piece))
        while not self.keeps_up:
            self._drained.clear()
            await self._drained.wait()
