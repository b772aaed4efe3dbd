"""The stream on which a handshake server speaks of its own accord, kept open for as long as the session lives.

The SDK opens it, and gives it up for good after the second failure of a connection's whole life. So it is shown none:
what cannot be opened now is waited for, and whatever ends a stream looks like an end in good order, after which the
SDK asks for the next one, from the last event on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol, cast

import anyio
import httpx2

from mcpool.errors import ServerError
from mcpool.wire.http_error import UNSENT, forgets_session, why
from mcpool.wire.refused import seconds

LAST_EVENT = "last-event-id"

AGAIN_AFTER = 1.0
AGAIN_MOST = 60.0
"""Seconds from one attempt to the next; each that brings nothing makes the next wait longer."""

_STREAM = "text/event-stream"
_PASSING = frozenset({401, 403, 408, 409, 425, 429})  # 409: the server has not noticed yet that the last one broke
_FOR_GOOD = frozenset({501, 505})
_GATEWAY = frozenset({502, 503, 504})  # says nothing of the event to go on from


class Told(Protocol):
    """Who is told what comes of it."""

    def unreachable(self, frame: None, reason: str) -> None:
        """Nobody could be reached."""

    def session_gone(self, frame: None) -> None:
        """The server does not know our session any more."""

    def gap(self) -> None:
        """It is open again, and what the server said meanwhile may be lost."""


def outlook(status: int, kind: str) -> Literal["open", "elsewhere", "again", "never"]:
    """What an answer of this status and content type means for the stream."""
    if status in _PASSING or (status >= 500 and status not in _FOR_GOOD):
        return "again"
    if 300 <= status < 400:
        return "elsewhere"
    return "open" if status == 200 and kind == _STREAM else "never"


def pause(fruitless: int) -> float:
    """Seconds from one attempt to the next, when so many in a row brought nothing."""
    return min(AGAIN_AFTER * 2.0 ** min(max(fruitless - 1, 0), 10), AGAIN_MOST)


class GeneralStream:
    """Answers the SDK's requests for the general stream of one session."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, told: Told) -> None:
        self._inner = inner
        self._told = told
        self._offered = True
        self._fruitless = 0
        self._next = 0.0
        """Loop time of the next attempt."""
        self._behind = False
        """Something may have been said that we did not hear."""
        self._stream: _Stream | None = None
        self._unusable: str | None = None
        """An event from which the server cannot go on, or after which comes one that cannot be taken."""

    async def open(self, request: httpx2.Request) -> httpx2.Response:
        """The stream, as soon as there is one; 405 if there will be none. Only the end of the link interrupts it."""
        last = self._stream
        if last is not None:
            self._stream, self._behind = None, True
            if not last.over:  # the SDK could not bear an event: show it a stream that ends well, or it keeps count
                self._unusable = request.headers.get(LAST_EVENT)
                return httpx2.Response(200, headers={"content-type": _STREAM}, content=b"")
            self._fruitless = 0 if last.fruitful else self._fruitless + 1
            self._next = max(self._next, last.opened + pause(self._fruitless))
        while self._offered:
            await anyio.sleep_until(self._next)
            self._next = anyio.current_time() + pause(self._fruitless + 1)
            response = await self._attempt(request)
            if response is not None:
                return response
            self._behind = True
            self._fruitless += 1
        return httpx2.Response(405)

    async def _attempt(self, request: httpx2.Request) -> httpx2.Response | None:
        event = request.headers.get(LAST_EVENT)
        if event is not None and event == self._unusable:
            request, event = _without(request, LAST_EVENT), None
        try:
            response = await self._inner.handle_async_request(request)
        except UNSENT as exc:
            self._told.unreachable(None, why(exc))
            return None
        except (httpx2.TransportError, ServerError):
            return None  # those who call will be told why
        status = response.status_code
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        outcome = outlook(status, kind)
        if outcome == "elsewhere":
            self._next = 0.0
            return response  # the SDK follows it, or gives up for good
        if outcome == "open":
            self._stream = _Stream(cast("httpx2.AsyncByteStream", response.stream), anyio.current_time())
            response.stream = self._stream
            if self._behind and event is None:
                self._told.gap()
            self._behind = False
            return response
        body = await _beginning(response) if status == 400 else b""
        await response.aclose()
        if forgets_session(status, request.headers, body):
            self._offered = False
            self._told.session_gone(None)
        elif event is not None and status not in _PASSING | _GATEWAY:
            self._unusable = event
        elif outcome == "never":
            self._offered = False
        else:
            wait = seconds(response.headers.get("retry-after")) or 0.0
            self._next = max(self._next, anyio.current_time() + min(wait, AGAIN_MOST))
        return None


class _Stream(httpx2.AsyncByteStream):
    """One opening of it, which ends well however it ends."""

    def __init__(self, inner: httpx2.AsyncByteStream, opened: float) -> None:
        self.opened = opened
        self.fruitful = False
        """It brought something."""
        self.over = False
        """The other side ended it, or the network."""
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                self.fruitful = True
                yield chunk
        except httpx2.TransportError:
            pass
        self.over = True

    async def aclose(self) -> None:
        await self._inner.aclose()


def _without(request: httpx2.Request, header: str) -> httpx2.Request:
    headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() != header]
    return httpx2.Request(request.method, request.url, headers=headers, extensions=request.extensions)


async def _beginning(response: httpx2.Response) -> bytes:
    body = b""
    try:
        async for chunk in cast("httpx2.AsyncByteStream", response.stream):
            body += chunk
            if len(body) > 64 * 1024:
                break
    except httpx2.TransportError:
        pass
    return body
