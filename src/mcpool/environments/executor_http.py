"""HTTP through an executor: a transport for an HTTP client of ours."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Collection

import httpx2

from mcpool.catalog.identity import Completed
from mcpool.environments import protocol
from mcpool.environments.protocol import METHOD_NOT_FOUND, UNREACHED, Header, HttpBody, HttpRequest, HttpResponse
from mcpool.environments.session import Asked, Refused, Session
from mcpool.errors import EnvironmentUnavailable

LARGEST_WAITING = 32 * 1024 * 1024
"""Bytes of a body that may wait for who reads it."""

_CONNECT_FAILED = "(Connect)"
"""How Codex says that nobody could be reached."""
_OWN_HEADERS = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection"})
"""What the executor's HTTP client makes by itself."""


class ExecutorTransport(httpx2.AsyncBaseTransport):
    """Sends requests from where the executor is. What is lost with a socket fails, and is not sent again."""

    def __init__(self, session: Session, completed: Collection[Completed] = ()) -> None:
        """`completed`: headers to send with each request, whose values only the executor knows."""
        self._session = session
        self._completed = tuple(Header(name, start, variable) for name, start, variable in completed)
        self._not_ours = _OWN_HEADERS | {header.name.lower().encode("latin-1") for header in self._completed}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one request.

        Raises:
            httpx2.ConnectError: it was provably not made.
            httpx2.ReadError: it may have been made, and there is no answer.
        """
        id = secrets.token_hex(12)
        asked = HttpRequest(
            method=request.method,
            url=str(request.url),
            request_id=id,
            headers=(
                *(
                    Header(name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                    if name.lower() not in self._not_ours
                ),
                *self._completed,
            ),
            body_base64=await request.aread() or None,
            redirect_policy="stop",
            stream_response=True,
        )
        body = _Body(self._session, id)
        self._session.expect_body(id, body)
        try:
            answer = await self._answer(asked)
        except asyncio.CancelledError:
            self._session.cancel_body(id)
            raise
        except BaseException:
            self._session.forget_body(id)
            raise
        headers = [(_raw(header.name), _raw(header.value)) for header in answer.headers]
        return httpx2.Response(answer.status, headers=headers, stream=body)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        session = self._session
        answered: asyncio.Future[protocol.Message | None] = asyncio.get_running_loop().create_future()

        def settle(message: protocol.Message | None) -> None:
            if not answered.done():
                answered.set_result(message)

        asked: Asked | None = None
        try:
            asked = session.ask(protocol.HTTP, request, settle, again=False)
            return session.read(await answered, HttpResponse)
        except asyncio.CancelledError:
            if asked is not None:
                session.withdraw(asked)
            raise
        except EnvironmentUnavailable as error:
            if asked is None or not asked.left:
                raise httpx2.ConnectError(str(error)) from None
            raise httpx2.ReadError(str(error)) from None
        except Refused as refused:
            raise self._failure(refused) from None

    def _failure(self, refused: Refused) -> httpx2.TransportError:
        where = f"from the environment `{self._session.environment}`"
        fault = refused.fault
        if fault.code == METHOD_NOT_FOUND:
            return httpx2.ConnectError(f"the executor makes no HTTP requests; reach the server {where} otherwise")
        if fault.code in (UNREACHED, protocol.INVALID_PARAMS) or _CONNECT_FAILED in fault.message:
            return httpx2.ConnectError(f"{where}: {fault.message}")
        return httpx2.ReadError(f"{where}: {fault.message}")


def _raw(text: str) -> bytes:
    return text.encode("latin-1", errors="replace")


class _Body(httpx2.AsyncByteStream):
    """A body as it comes (`session.Body`)."""

    def __init__(self, session: Session, id: str) -> None:
        self._session = session
        self._id = id
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._next = 1
        self._done = False
        self._error: str | None = None
        self._came = asyncio.Event()

    def on_piece(self, note: HttpBody) -> None:
        """A piece came."""
        if note.seq != self._next:
            self._give_up("a part of the answer is missing")
            return
        self._next += 1
        if note.delta_base64:
            self._pieces.append(note.delta_base64)
            self._waiting += len(note.delta_base64)
        if note.error is not None:
            self.on_lost(note.error)
        elif self._waiting > LARGEST_WAITING:
            self._give_up(f"{LARGEST_WAITING} bytes of the answer wait for being read")
        elif note.done:
            self._end()
        self._came.set()

    def on_lost(self, reason: str) -> None:
        """No more comes."""
        self._error = self._error or reason
        self._end()

    def _give_up(self, reason: str) -> None:
        self._session.cancel_body(self._id)
        self.on_lost(reason)

    def _end(self) -> None:
        self._done = True
        self._session.forget_body(self._id)
        self._came.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece)
                yield piece
            if self._error is not None:
                raise httpx2.ReadError(self._error)
            if self._done:
                return
            self._came.clear()
            await self._came.wait()

    async def aclose(self) -> None:
        """Hear no more of it. An executor that cannot be told so goes on with it: Codex's has no word for that."""
        self._session.cancel_body(self._id)
