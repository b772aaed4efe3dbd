"""`subscriptions/listen`: the one stream on which a 2026-07-28 server tells of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from mcpool.errors import BadAnswer
from mcpool.wire.engine import Call, Engine
from mcpool.wire.envelope import UNREADABLE
from mcpool.wire.revisions import INVALID_REQUEST

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"

OnEvent = Callable[[str, bytes | None], None]


class _Acknowledged(msgspec.Struct):
    notifications: dict[str, object] = {}


class Subscription:
    """One open stream. `ended` is the listen request's own future: a result when the server closed it in good order,
    `RpcError` or `ConnectionLost` otherwise; cancelled by `close`."""

    def __init__(self, engine: Engine, on_event: OnEvent, loop: asyncio.AbstractEventLoop) -> None:
        self.honoured: dict[str, object] = {}
        """What of the filter the server agreed to deliver."""
        self.acknowledged: asyncio.Future[None] = loop.create_future()
        self._engine = engine
        self._on_event = on_event
        self._call: Call | None = None

    def begin(self, call: Call) -> None:
        """Follow this request."""
        self._call = call
        call.future.add_done_callback(self._over)

    @property
    def ended(self) -> asyncio.Future[bytes]:
        """Done when no more events come."""
        assert self._call is not None
        return self._call.future

    def close(self) -> None:
        """Tell the server to stop. Safe to call twice, and after the connection is lost."""
        if self._call is not None:
            self._engine.cancel(self._call, "unsubscribed")

    def on_notification(self, method: str, params: bytes | None) -> None:
        """An event of this stream (called by the engine)."""
        if method != ACKNOWLEDGED:
            self._on_event(method, params)
        elif not self.acknowledged.done():
            try:
                self.honoured = msgspec.json.decode(params or b"{}", type=_Acknowledged).notifications
            except UNREADABLE:
                self.honoured = {}
            self.acknowledged.set_result(None)

    def _over(self, future: asyncio.Future[bytes]) -> None:
        error = None if future.cancelled() else future.exception()
        if not self.acknowledged.done():
            self.acknowledged.set_exception(
                error or BadAnswer(self._engine.server, INVALID_REQUEST, "the subscription ended before it began")
            )
