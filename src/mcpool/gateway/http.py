"""The little of HTTP that the gateway needs, in raw ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from mcpool.gateway.failure import Refusal
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import NULL, error_message
from mcpool.gateway.route import Route
from mcpool.gateway.ticker import Ticking

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]
Pairs = tuple[tuple[bytes, bytes], ...]

_JSON: Final = (b"content-type", b"application/json")
_EMPTY: Final = (b"content-length", b"0")
_STREAM: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_BODY_START: Final = "http.response.start"
_BODY: Final = "http.response.body"


class HttpRequest:
    """One request that passed the checks at the door."""

    __slots__ = (
        "_reading",
        "_too_slow",
        "headers",
        "limits",
        "principal",
        "raw_headers",
        "receive",
        "reply",
        "route",
        "send",
    )

    def __init__(
        self,
        headers: Headers,
        raw_headers: list[tuple[bytes, bytes]],
        principal: str,
        route: Route,
        receive: Receive,
        send: Send,
        limits: Limits,
    ) -> None:
        self.headers = headers
        self.raw_headers = raw_headers
        self.principal = principal
        self.route = route
        self.receive = receive
        self.send = send
        self.limits = limits
        self.reply: Ticking | None = None
        """What has deadlines once the body is there."""
        self._reading: asyncio.Task[object] | None = None
        self._too_slow = False

    def on_tick(self, age: float) -> bool:
        """Give up on a body that does not arrive; later, see to the reply."""
        if self._reading is not None:
            if age > self.limits.body_timeout and not self._too_slow:
                self._too_slow = True
                self._reading.cancel()
            return True
        return self.reply is None or self.reply.on_tick(age)

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Refusal: it is too large (413), of another type than JSON (415), or took too long (408).
            Disconnected: the client went away.
        """
        limits = self.limits
        kind = self.headers.get(b"content-type", b"")
        if kind != b"application/json" and kind.partition(b";")[0].strip().lower() != b"application/json":
            raise Refusal(415, "the Content-Type must be application/json")
        length = self.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length[:20]) > limits.body_bytes:
            raise _too_large(limits)
        self._reading = asyncio.current_task()
        try:
            event = await self.receive()
            body = event.get("body", b"") if not event.get("more_body") else await self._rest(event)
            if event["type"] != "http.request":
                raise Disconnected
        except asyncio.CancelledError:
            if not self._too_slow or self._reading is None or self._reading.uncancel() > 0:
                raise
            # The rest of the body may still come: the connection is of no use for another request.
            message = f"the body did not arrive within {limits.body_timeout:g} s"
            raise Refusal(408, message, headers=((b"connection", b"close"),)) from None
        finally:
            self._reading = None
        if len(body) > limits.body_bytes:
            raise _too_large(limits)
        return body

    async def _rest(self, event: MutableMapping[str, Any]) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            if event["type"] != "http.request":
                raise Disconnected
            part = event.get("body", b"")
            size += len(part)
            if size > self.limits.body_bytes:
                raise _too_large(self.limits)
            parts.append(part)
            if not event.get("more_body"):
                return b"".join(parts)
            event = await self.receive()


class Disconnected(Exception):
    """The client went away before its request was complete."""


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than {limits.body_bytes} bytes", headers=((b"connection", b"close"),))


class Accepted(NamedTuple):
    """The forms in which a client takes an answer."""

    json: bool
    stream: bool
    stream_first: bool = False
    """It names the event stream before JSON."""


def accepts(request: HttpRequest) -> Accepted:
    """What the client takes by its `Accept` header.

    Raises:
        Refusal: it takes neither JSON nor an event stream (406).
    """
    return _accepted(request.headers.get(b"accept", b"*/*"))


@lru_cache(maxsize=64)
def _accepted(header: bytes) -> Accepted:
    accept = header.lower()
    anything = b"*/*" in accept
    json_at, stream_at = accept.find(b"application/json"), accept.find(b"text/event-stream")
    json = anything or json_at >= 0 or b"application/*" in accept
    stream = anything or stream_at >= 0 or b"text/*" in accept
    if not (json or stream):
        raise Refusal(406, "the Accept header must allow application/json and text/event-stream")
    return Accepted(json, stream, 0 <= stream_at < json_at)


async def send_json(send: Send, status: int, body: bytes, extra: Pairs = ()) -> None:
    """Answer with a JSON body."""
    headers = [_JSON, (b"content-length", b"%d" % len(body)), *extra]
    await send({"type": _BODY_START, "status": status, "headers": headers})
    await send({"type": _BODY, "body": body})


async def send_empty(send: Send, status: int, extra: Pairs = ()) -> None:
    """Answer without a body."""
    await send({"type": _BODY_START, "status": status, "headers": [_EMPTY, *extra]})
    await send({"type": _BODY, "body": b""})


async def send_refusal(send: Send, refusal: Refusal) -> None:
    """Answer with the reason of a refusal, as a JSON-RPC error without id."""
    await send_json(send, refusal.status, error_message(NULL, refusal.code, refusal.message), refusal.headers)


async def start_stream(send: Send) -> None:
    """Begin an event stream."""
    await send({"type": _BODY_START, "status": 200, "headers": list(_STREAM)})


async def send_whole_stream(send: Send, body: bytes) -> None:
    """Answer with an event stream that is complete already."""
    headers = [*_STREAM, (b"content-length", b"%d" % len(body))]
    await send({"type": _BODY_START, "status": 200, "headers": headers})
    await send({"type": _BODY, "body": body})


async def send_part(send: Send, part: bytes) -> None:
    """Continue an event stream."""
    await send({"type": _BODY, "body": part, "more_body": True})


async def end_stream(send: Send) -> None:
    """Complete an event stream."""
    await send({"type": _BODY, "body": b""})


async def until_disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
