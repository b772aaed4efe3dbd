"""What stands between the SDK's transport and the network, so that no failure of the network becomes an exception.

The SDK lets a lost connection cancel the task that entered its context. Here every failure is told to the link, for
the message it concerns, and the SDK is given a plain refusal in its place. The bytes that leave are the engine's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Literal, Protocol, cast

import anyio
import httpx2
import msgspec

from mcpool.errors import ServerError
from mcpool.wire.http_frame import Frame
from mcpool.wire.http_signed import UNAUTHORIZED

MARK = "x-mcpool-message"
"""Tells a message's POST from other requests of the same task (those of an authorisation, say); never sent."""
CURRENT: ContextVar[Frame | None] = ContextVar("mcpool_http_frame", default=None)
"""The message on whose behalf the SDK is at work: its tasks, and what they deliver, inherit it."""

_GOODBYE_SECONDS = 2.0
_ONE_WAY_SECONDS = 10.0  # the SDK sends nothing else while it waits for a notification to be accepted
_ERROR_BODY_BYTES = 64 * 1024
_SESSION = "mcp-session-id"
_UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
_PLAIN: dict[type[OSError], str] = {
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection reset",
    BrokenPipeError: "connection closed",
}
_MAYBE_EXECUTED = frozenset({408, 502, 503, 504})


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


class Guard(httpx2.AsyncBaseTransport):
    """A transport around another that never raises for the network's sake."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, owner: Owner) -> None:
        self._inner = inner
        self._owner = owner

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        frame = CURRENT.get()
        if request.method == "DELETE":
            return await self._goodbye(request)
        if frame is not None and MARK in request.headers:
            return await self._post(request, frame)
        if frame is not None and request.method == "GET":
            return await self._listen(request, frame)
        return await self._inner.handle_async_request(request)

    async def _goodbye(self, request: httpx2.Request) -> httpx2.Response:
        if self._owner.lost:
            return httpx2.Response(405)  # the one refusal that the SDK does not warn of
        with anyio.move_on_after(_GOODBYE_SECONDS):
            try:
                response = await self._inner.handle_async_request(request)
                await response.aclose()
                return httpx2.Response(response.status_code)
            except httpx2.TransportError:
                pass
        return httpx2.Response(405)

    async def _listen(self, request: httpx2.Request, frame: Frame) -> httpx2.Response:
        """A GET: the general stream, or (while a request is unanswered) the rest of its broken one."""
        if frame.is_request and (frame.answered or anyio.current_time() >= frame.expires):
            return httpx2.Response(410)
        try:
            response = await self._inner.handle_async_request(request)
        except _UNSENT as exc:
            if not frame.is_request:
                self._owner.unreachable(None, why(exc))
            raise
        except ServerError:
            return httpx2.Response(503)  # those who call will be told
        if response.status_code == 404 and _SESSION in request.headers:
            await response.aclose()
            if frame.is_request:
                self._owner.dropped(frame, "broke off its answer, and no longer knows our session")
            self._owner.session_gone(None)
            return httpx2.Response(404)
        if frame.is_request and response.status_code == 200:
            frame.ended = False
            response.stream = _Watched(_stream(response), frame)
        return response

    async def _post(self, request: httpx2.Request, frame: Frame) -> httpx2.Response:
        if not self._owner.alive:
            self._owner.too_late(frame)
            return httpx2.Response(503)
        if not frame.is_request:
            frame.expire_at(anyio.current_time() + _ONE_WAY_SECONDS)
        self._owner.posting(frame)
        try:
            with anyio.CancelScope(deadline=frame.expires) as scope:
                frame.scope = scope
                response = await self._inner.handle_async_request(_with_body(request, frame))
                return await self._judge(request, response, frame)
        except _UNSENT as exc:
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
        if status == 404 and _SESSION in request.headers:
            await response.aclose()
            self._owner.session_gone(frame)
            return httpx2.Response(404)
        if status == UNAUTHORIZED:
            await response.aclose()  # whatever else it says, or fails to: nothing ran
            error, _ = _http_error(response, b"")
            self._owner.unauthorized(frame, error)
            return httpx2.Response(503)
        if status >= 400:
            body = await _read(response, _ERROR_BODY_BYTES)
            if frame.is_request and not (kind == "application/json" and is_error_message(body)):
                error, executed = _http_error(response, body or b"")
                self._owner.refused(frame, error, executed)
            return _answer(response, body or b"")
        if frame.is_request and kind == "text/event-stream":
            response.stream = _Watched(_stream(response), frame)
            return response
        if frame.is_request and response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            self._owner.refused(frame, _error("the answer is compressed, although that was not asked for"), True)
            return httpx2.Response(503)
        body = await _read(response, self._owner.limit)
        if body is None and frame.is_request:
            text = f"the answer is larger than the limit of {self._owner.limit} bytes; raise max_message_bytes"
            self._owner.refused(frame, _error(text), True)
            return httpx2.Response(503)
        return _answer(response, body or b"")


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


def why(exc: BaseException) -> str:
    """The reason at the bottom of a chain of exceptions, in the system's own words."""
    if isinstance(exc, httpx2.LocalProtocolError):
        return "the request is not valid HTTP; check the configured headers"  # the original quotes their values
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno:
            return _PLAIN.get(type(seen)) or seen.strerror or str(seen)
        if isinstance(seen, BaseExceptionGroup):
            seen = cast("BaseExceptionGroup[BaseException]", seen).exceptions[0]
        else:
            seen = seen.__cause__ or seen.__context__
    return str(exc) or type(exc).__name__


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


def _answer(response: httpx2.Response, body: bytes) -> httpx2.Response:
    framing = (b"content-length", b"transfer-encoding", b"content-encoding")
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in framing]
    return httpx2.Response(response.status_code, headers=headers, content=body)


class _RpcErrorBody(msgspec.Struct):
    code: int


class _RpcErrorMessage(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    error: _RpcErrorBody


def is_error_message(body: bytes | None) -> bool:
    """Whether the body of an HTTP error is a JSON-RPC error, and not what a gateway on the way says."""
    try:
        msgspec.json.decode(body or b"null", type=_RpcErrorMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _error(message: str, **data: object) -> dict[str, object]:
    error: dict[str, object] = {"code": -32603, "message": message}
    if data:
        error["data"] = data
    return error


def _http_error(response: httpx2.Response, body: bytes) -> tuple[dict[str, object], bool | None]:
    """A status in the words of JSON-RPC, and whether the request was executed (None: unknown)."""
    status = response.status_code
    said = " ".join(body.decode("utf-8", "replace").split())[:200]
    text = f"HTTP {status} {response.reason_phrase}".rstrip()
    if status == UNAUTHORIZED:
        text += ": the server wants other credentials"
    elif status == 403:
        text += ": the credentials do not allow this"
    if said and "<html" not in said.lower():
        text += f" ({said})"
    extra = {
        key: response.headers[header]
        for key, header in (("retryAfter", "retry-after"), ("wwwAuthenticate", "www-authenticate"))
        if header in response.headers
    }
    error = _error(text, httpStatus=status, **extra)
    if status == 404:
        error["code"] = -32601  # no session yet: whoever answers does not know the method, or the path
    executed = None if status in _MAYBE_EXECUTED and "retryAfter" not in extra else False
    return error, executed
