"""The answer to one POST: JSON if the result comes first, an event stream if anything comes before it or it takes long.

A handshake client that names event streams before JSON gets one in any case: those it can resume.

Nothing of this costs a task until it is needed: the request waits in the server's own task, and a ticker decides later
whether the client's going away has to be watched for and whether a stream has to be opened to keep it patient.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcpool.gateway.http import Accepted, HttpRequest, send_json, send_whole_stream, until_disconnected
from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Kind, Outbox
from mcpool.gateway.pump import attach, end_tasks


class Reply:
    """One POST's answer in the making, and the outlet of the exchanges that it carries."""

    def __init__(
        self,
        request: HttpRequest,
        limits: Limits,
        accepted: Accepted,
        *,
        new_outbox: Callable[[], Outbox],
        gone: Callable[[], None] | None = None,
    ) -> None:
        """`new_outbox` makes the stream when one is needed; `gone` is called when the client closed the connection."""
        self._request = request
        self._limits = limits
        self._json = accepted.json and not accepted.stream_first
        self._stream = accepted.stream
        self._new_outbox = new_outbox
        self._gone = gone
        self._outbox: Outbox | None = None
        self._pump: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._disconnected = False
        self._watching = False
        request.reply = self

    @property
    def is_open(self) -> bool:
        """Whether the client can be sent more than the answer, now or when it resumes the stream."""
        if self._outbox is None:
            return self._stream and not self._disconnected
        return not self._disconnected or self._outbox.name is not None

    @property
    def outbox(self) -> Outbox | None:
        """The stream, if one was begun."""
        return self._outbox

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Send something before the answer; a client that takes no stream does without."""
        if self._outbox is None:
            if not self._stream or self._disconnected:
                return
            self.commit()
        assert self._outbox is not None
        self._outbox.put(kind, message, subject)

    def commit(self) -> None:
        """Answer as an event stream from here on."""
        if self._outbox is None:
            self._outbox = self._new_outbox()
            self._pump = attach(self._outbox, self._request.send, self._limits)
            self._tasks.append(self._pump)

    async def finish(self, answer: bytes, status: int = 200) -> None:
        """Give the answer, and return when the client has it or is gone."""
        if self._outbox is None and self._json:
            if not self._disconnected:
                await send_json(self._request.send, status, answer)
        else:
            await self._finish_stream([answer])

    async def finish_all(self, answers: list[bytes]) -> None:
        """Give the answers to a batch: one JSON array, or a message each in a stream."""
        if self._outbox is None and self._json:
            await self.finish(b"[%b]" % b",".join(answers))
        else:
            await self._finish_stream(answers)

    async def _finish_stream(self, answers: list[bytes]) -> None:
        outbox = self._outbox = self._outbox or self._new_outbox()
        for answer in answers:
            outbox.put(Kind.ANSWER, answer)
        outbox.end()
        if self._disconnected:
            return
        if self._pump is None:
            await send_whole_stream(self._request.send, outbox.take())
        else:
            await asyncio.wait([self._pump], timeout=self._limits.drain_timeout)

    async def close(self) -> None:
        """Leave nothing behind. Safe after an answer, an error or a cancellation."""
        if self._tasks:
            await end_tasks(self._tasks)
        self._request.reply = None
        if self._outbox is not None and self._outbox.reader is self._pump:
            self._outbox.reader = None

    def on_tick(self, age: float) -> bool:
        """Watch for the client's going away, and open a stream for a request that takes long."""
        if age < self._limits.watch_after:
            return True
        if not self._watching:
            self._watching = True
            self._tasks.append(asyncio.create_task(self._until_gone()))
        if self._disconnected or not self._stream or self._outbox is not None:
            return False
        if age < self._limits.stream_after:
            return True
        self.commit()
        return False

    async def _until_gone(self) -> None:
        await until_disconnected(self._request.receive)
        self._disconnected = True
        if self._pump is not None:
            self._pump.cancel()
        if self._gone is not None:
            self._gone()
