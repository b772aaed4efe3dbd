"""What stands between the SDK's transport and the network, so that no failure of the network becomes an exception.

The SDK lets a lost connection cancel the task that entered its context. Here every failure is told to the link, for
the message it concerns, and the SDK is given a plain refusal in its place. The bytes that leave are the engine's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, cast

import anyio
import httpx2

from mcpool.errors import ServerError
from mcpool.wire.http_error import UNSENT, error_message, forgets_session, http_error, is_turned_away, plain_error, why
from mcpool.wire.http_frame import Frame
from mcpool.wire.http_general import GeneralStream
from mcpool.wire.http_signed import UNAUTHORIZED

MARK = "x-mcpool-message"
"""Tells a message's POST from other requests of the same task (those of an authorisation, say); never sent."""
CURRENT: ContextVar[Frame | None] = ContextVar("mcpool_http_frame", default=None)
"""The message on whose behalf the SDK is at work: its tasks, and what they deliver, inherit it."""

_GOODBYE_SECONDS = 2.0
_ONE_WAY_SECONDS = 10.0
_ONE_WAY_AFTER = (0.0, 0.5, 2.0)
"""Seconds to wait before each attempt to deliver what has no answer."""
_ERROR_BODY_BYTES = 64 * 1024
_PASSING = frozenset({408, 425, 429})
_HANDSHAKE_DONE = "notifications/initialized"


class Owner(Protocol):
    """Who is told what became of a message."""

    @property
    def limit(self) -> int:
        """The most bytes that one answer may have."""
        ...

    @property
    def alive(self) -> bool:
        """Whether messages may still be sent."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the session is gone, so that there is nothing to say goodbye to."""
        ...

    def posting(self, frame: Frame) -> None:
        """Its bytes begin to leave."""

    def posted(self, frame: Frame) -> None:
        """The first thing is known of what became of it."""

    def unreachable(self, frame: Frame | None, reason: str) -> None:
        """Nobody could be reached, so it was not sent. None: the general stream could not be opened."""

    def dropped(self, frame: Frame, reason: str) -> None:
        """It was sent, and no answer can come. `reason` is a phrase that follows "the server"."""

    def refused(self, frame: Frame, error: dict[str, object], executed: bool | None) -> None:
        """It was answered by HTTP alone. `executed` is False if it provably was not, None if nobody can know."""

    def unauthorized(self, frame: Frame, error: dict[str, object]) -> None:
        """It was answered with 401: the server wants other credentials than we have; it did nothing."""

    def rejected(self, frame: Frame, error: ServerError) -> None:
        """It was not sent, for a reason on our side."""

    def too_late(self, frame: Frame) -> None:
        """It was not sent, because the link ended while it was on its way."""

    def session_gone(self, frame: Frame | None) -> None:
        """The server does not know our session any more; it did nothing."""

    def gap(self) -> None:
        """The general stream is open again, and what the server said meanwhile may be lost."""

    def aside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this beside everything else, until the link ends."""


class Guard(httpx2.AsyncBaseTransport):
    """A transport around another that never raises for the network's sake."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, owner: Owner) -> None:
        self._inner = inner
        self._owner = owner
        self._general = GeneralStream(inner, owner)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        frame = CURRENT.get()
        if request.method == "DELETE":
            return await self._goodbye(request)
        if frame is not None and MARK in request.headers:
            return await (self._post if frame.is_request else self._deliver)(request, frame)
        if frame is not None and request.method == "GET":
            return await (self._resume(request, frame) if frame.is_request else self._general.open(request))
        return await self._inner.handle_async_request(request)

    async def _goodbye(self, request: httpx2.Request) -> httpx2.Response:
        if not self._owner.lost:
            with anyio.move_on_after(_GOODBYE_SECONDS):
                try:
                    response = await self._inner.handle_async_request(request)
                    await response.aclose()
                except (httpx2.TransportError, ServerError):
                    pass
        return httpx2.Response(405)  # the one refusal that the SDK does not warn of

    async def _resume(self, request: httpx2.Request, frame: Frame) -> httpx2.Response:
        """The rest of the broken stream of an unanswered request, while somebody wants the answer."""
        if frame.answered or anyio.current_time() >= frame.expires:
            return httpx2.Response(410)
        with anyio.CancelScope(deadline=frame.expires) as scope:
            frame.scope = scope
            try:
                response = await self._inner.handle_async_request(request)
                body = await _read_refusal(response) if response.status_code == 400 else b""
            except ServerError:
                return httpx2.Response(503)  # those who call will be told
            finally:
                frame.scope = None
            if forgets_session(response.status_code, request.headers, body):
                await response.aclose()
                self._owner.dropped(frame, "broke off its answer, and no longer knows our session")
                self._owner.session_gone(None)
                return httpx2.Response(404)
            if response.status_code == 400:
                return _answer(response, body)
            if response.status_code == 200:
                frame.ended, frame.why = False, ""
                response.stream = _Watched(_stream(response), frame)
            return response
        return httpx2.Response(410)

    async def _deliver(self, request: httpx2.Request, frame: Frame) -> httpx2.Response:
        """A message without an answer, which the SDK would let everything else wait for.

        Nothing may overtake the end of the handshake; the others need no order.
        """
        if frame.method == _HANDSHAKE_DONE:
            await self._say(request, frame)
        else:
            self._owner.aside(partial(self._say, request, frame))
        return httpx2.Response(202)

    async def _say(self, request: httpx2.Request, frame: Frame) -> None:
        """Try again what may not have arrived: heard twice, a notification or an answer does no harm."""
        for pause in _ONE_WAY_AFTER:
            await anyio.sleep(pause)
            self._owner.posting(frame)
            try:
                with anyio.move_on_after(_ONE_WAY_SECONDS):
                    if await self._said(request, frame):
                        return
            finally:
                self._owner.posted(frame)

    async def _said(self, request: httpx2.Request, frame: Frame) -> bool:
        """Whether it arrived, or never will."""
        try:
            response = await self._inner.handle_async_request(_with_body(request, frame))
            status = response.status_code
            body = await _read_refusal(response) if status == 400 else b""
            await response.aclose()
        except UNSENT as exc:
            self._owner.unreachable(frame, why(exc))
            return False
        except (httpx2.TransportError, ServerError):
            return False
        if forgets_session(status, request.headers, body):
            self._owner.session_gone(frame)
        elif status == UNAUTHORIZED:
            self._owner.unauthorized(frame, http_error(response, b"")[0])
        return status not in _PASSING and status < 500

    async def _post(self, request: httpx2.Request, frame: Frame) -> httpx2.Response:
        if not self._owner.alive:
            self._owner.too_late(frame)
            return httpx2.Response(503)
        self._owner.posting(frame)
        try:
            with anyio.CancelScope(deadline=frame.expires) as scope:
                frame.scope = scope
                response = await self._inner.handle_async_request(_with_body(request, frame))
                return await self._judge(request, response, frame)
        except UNSENT as exc:
            self._owner.unreachable(frame, why(exc))
        except ServerError as exc:
            self._owner.rejected(frame, exc)
        except httpx2.TransportError as exc:
            self._owner.dropped(frame, f"broke the connection ({why(exc)})")
        else:
            self._owner.dropped(frame, "did not answer in time")
        finally:
            frame.scope = None
            self._owner.posted(frame)
        return httpx2.Response(503)

    async def _judge(self, request: httpx2.Request, response: httpx2.Response, frame: Frame) -> httpx2.Response:
        status = response.status_code
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if status == UNAUTHORIZED:
            await response.aclose()  # whatever else it says, or fails to: nothing ran
            self._owner.unauthorized(frame, http_error(response, b"")[0])
            return httpx2.Response(503)
        if status >= 400:
            body = await _read_refusal(response)
            if forgets_session(status, request.headers, body):
                self._owner.session_gone(frame)
                return httpx2.Response(404)
            if is_turned_away(response) or kind != "application/json" or error_message(body) is None:
                self._owner.refused(frame, *http_error(response, body))
            return _answer(response, body)
        if kind == "text/event-stream":
            response.stream = _Watched(_stream(response), frame)
            return response
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            self._owner.refused(frame, plain_error("the answer is compressed, although that was not asked for"), True)
            return httpx2.Response(503)
        body = await _read(response, self._owner.limit)
        if body is None:
            text = f"the answer is larger than the limit of {self._owner.limit} bytes; raise max_message_bytes"
            self._owner.refused(frame, plain_error(text), True)
            return httpx2.Response(503)
        return _answer(response, body)


class _Watched(httpx2.AsyncByteStream):
    """A response stream that ends where the network fails, and notes on the frame that it has ended."""

    def __init__(self, inner: httpx2.AsyncByteStream, frame: Frame) -> None:
        self._inner = inner
        self._frame = frame

    async def __aiter__(self) -> AsyncIterator[bytes]:
        frame = self._frame
        chunks = aiter(self._inner)
        try:
            while True:
                chunk = b""
                with anyio.CancelScope(deadline=frame.expires) as scope:
                    frame.scope = scope
                    chunk = await anext(chunks)
                frame.scope = None
                if scope.cancelled_caught:
                    return
                yield chunk
        except StopAsyncIteration:
            return
        except httpx2.TransportError as exc:
            frame.why = why(exc)
        finally:
            frame.ended = True

    async def aclose(self) -> None:
        await self._inner.aclose()


def _with_body(request: httpx2.Request, frame: Frame) -> httpx2.Request:
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _REPLACED]
    return httpx2.Request("POST", request.url, headers=headers, content=frame.body, extensions=request.extensions)


_REPLACED = frozenset({MARK.encode(), b"content-length", b"transfer-encoding"})


def _stream(response: httpx2.Response) -> httpx2.AsyncByteStream:
    return cast("httpx2.AsyncByteStream", response.stream)


async def _read(response: httpx2.Response, limit: int) -> bytes | None:
    """The undecoded body, or None if it is larger than `limit`."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in _stream(response):
            size += len(chunk)
            if size > limit:
                return None
            chunks.append(chunk)
    finally:
        await response.aclose()
    return b"".join(chunks)


async def _read_refusal(response: httpx2.Response) -> bytes:
    """What is said beside the status, as far as it came and is short enough: the status says what counts."""
    try:
        return await _read(response, _ERROR_BODY_BYTES) or b""
    except httpx2.TransportError:
        return b""


def _answer(response: httpx2.Response, body: bytes) -> httpx2.Response:
    framing = (b"content-length", b"transfer-encoding", b"content-encoding")
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in framing]
    return httpx2.Response(response.status_code, headers=headers, content=body)
