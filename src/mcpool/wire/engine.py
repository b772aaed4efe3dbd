"""JSON-RPC over a link: requests and their answers, in wire order, without a task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import UNSET

from mcpool.errors import BadAnswer, MessageTooLarge, ServerError, ServerUnavailable
from mcpool.wire.attribution import attribute, own_id
from mcpool.wire.call import Call, CallSinkLike
from mcpool.wire.complaints import Complaints
from mcpool.wire.envelope import (
    CR,
    LF,
    Envelope,
    encode_json,
    error_line,
    notification_line,
    one_line,
    raw_id,
    request_head,
    result_line,
)
from mcpool.wire.link import Link
from mcpool.wire.lost import ConnectionLost, exit_reason
from mcpool.wire.outbox import Outbox
from mcpool.wire.outcome import AMBIGUOUS, is_ambiguous, outcome
from mcpool.wire.params import value
from mcpool.wire.peer import Inbound, Peer
from mcpool.wire.reader import NO_MESSAGE, Reader
from mcpool.wire.revisions import PARSE_ERROR
from mcpool.wire.salvage import Salvaged
from mcpool.wire.statistics import EngineStatistics
from mcpool.wire.unanswered import Unanswered

__all__ = ["Call", "CallSinkLike", "ConnectionLost", "Engine", "EngineStatistics", "Inbound", "Peer"]

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
EXIT_FOLLOWS = 0.05
"""Seconds for which the end of a process's output waits for its exit, which says more."""
READS_NO_MORE = "has ended or reads no more"


class Engine:
    """One side of a JSON-RPC conversation over one link. It implements the link's `Sink`.

    Everything happens in the caller's frame or in that of the link: nothing here blocks or awaits.
    """

    def __init__(
        self,
        server: str,
        peer: Peer,
        *,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.server = server
        self.next_id = 1
        """The id of the next call."""
        self._peer = peer
        self._limit = max_message_bytes
        self._loop = loop
        self._create_future = loop.create_future
        self._complaints = Complaints(lambda kind, sample: self._tell(peer.on_garbage, kind, sample))
        self._report = self._complaints.add
        self._reader = Reader(max_message_bytes, receive=self._receive, broken=self._on_broken, report=self._report)
        self._outbox = Outbox(loop, self._on_refused)
        self._link: Link | None = None
        self._calls = Unanswered()
        self._related: int | str | None = None
        self._ending: str | None = None
        self._lost: ConnectionLost | None = None
        self._exit_awaited: asyncio.TimerHandle | None = None
        self._bytes_in = self._answers = self._late = self._unknown = 0
        self._inbound = self._dropped = 0

    def __repr__(self) -> str:
        state = "waiting for its link" if self._link is None else "open" if self._lost is None else "lost"
        return f"<Engine {self.server!r} [{state}, {len(self._calls)} unanswered]>"

    def attach(self, link: Link) -> None:
        """Give it the link that it writes to. Before, calls fail as unsent and answers wait."""
        self._link = self._outbox.link = link
        self._outbox.flush()

    # ------------------------------------------------------------------ what we say

    def call(
        self,
        method: str,
        params: bytes | None,
        *,
        sink: CallSinkLike | None = None,
        owner: object = None,
        task: str | None = None,
    ) -> Call:
        """Send a request. Never raises: whatever goes wrong is set on the call's future.

        `params` is one JSON object, as from `params.join`. `sink` hears the call's progress, `owner` is whatever the
        caller wants to know it by, `task` the server's task that this request waits for.
        """
        number = self.next_id
        self.next_id = number + 1
        if params is None:
            line = b'{"jsonrpc":"2.0","id":%d%b}\n' % (number, request_head(method))
        else:
            if LF in params or CR in params:
                params = one_line(params)
            line = b'{"jsonrpc":"2.0","id":%d%b,"params":%b}\n' % (number, request_head(method), params)
        call = Call(number, method, self._create_future(), owner, sink, task)
        link = self._link
        if link is None or self._ending is not None or (self._outbox.free and not link.alive):
            reason = self._ending or ("was not reached yet" if link is None else READS_NO_MORE)
            call.future.set_exception(ConnectionLost(self.server, reason, sent=False))
        elif link.buffered > self._limit:
            call.future.set_exception(
                ServerUnavailable(self.server, f"does not read: {link.buffered:,} bytes wait for it; nothing was sent")
            )
        elif len(line) > self._limit:
            call.future.set_exception(
                MessageTooLarge(
                    self.server,
                    f"`{method}` has {len(line):,} bytes, the limit is {self._limit:,}; nothing was sent",
                )
            )
        else:
            call.end = self._outbox.send(line)
            self._calls[number] = call
        return call

    def notify(self, method: str, params: bytes | None = None) -> None:
        """Send a notification; after death it does nothing."""
        self._send(notification_line(method, params))

    def respond(self, id: bytes, result: bytes) -> None:
        """Answer a request of the server's.

        Raises:
            ValueError: `result` is not one valid JSON value.
        """
        self._send(result_line(id, bytes(value(result))))

    def respond_error(self, id: bytes, code: int, message: str, data: bytes | None = None) -> None:
        """Refuse a request of the server's.

        Raises:
            ValueError: `data` is not one valid JSON value.
        """
        self._send(error_line(id, code, message, None if data is None else bytes(value(data))))

    def cancel(self, call: Call, reason: str) -> None:
        """Tell the server that nobody waits any more. The call counts as unanswered until its answer comes, or 30 s."""
        if self._calls.withdraw(call, self._loop.time()):
            self._peer.on_settled()
            params = b'{"requestId":%d,"reason":%b}' % (call.id, encode_json(reason))
            self._send(notification_line("notifications/cancelled", params))

    def forget(self, call: Call) -> None:
        """Wait no longer, and tell nobody: for requests that a server does nothing for. It no longer counts."""
        if self._calls.withdraw(call, self._loop.time()):
            del self._calls[call.id]
            self._peer.on_settled()

    def _send(self, line: bytes) -> None:
        """A server that floods us and does not read must not fill our memory with what we say to it."""
        if self._link is not None and self._link.buffered > self._limit:
            self._dropped += 1
        elif self._ending is None:
            self._outbox.send(line)

    # ------------------------------------------------------------------ what it knows

    @property
    def ended(self) -> bool:
        """Whether no answer can come any more, even if its calls are not settled yet."""
        return self._ending is not None

    @property
    def calls(self) -> tuple[Call, ...]:
        """Calls without an answer, in the order in which they were made; cancelled ones for 30 s more."""
        self._calls.prune(self._loop.time())
        return tuple(self._calls.values())

    @property
    def forgets_at(self) -> float | None:
        """When the next of the cancelled calls no longer counts, in the loop's time; None: there is none."""
        return self._calls.forgets_at(self._loop.time())

    def statistics(self) -> EngineStatistics:
        """What went through so far."""
        return EngineStatistics(
            calls=self.next_id - 1,
            unanswered=len(self._calls),
            answers=self._answers,
            late=self._late,
            unknown=self._unknown,
            inbound=self._inbound,
            mended=self._reader.mended,
            garbage=self._complaints.count,
            dropped=self._dropped,
            bytes_in=self._bytes_in,
            bytes_out=self._outbox.offset,
        )

    # ------------------------------------------------------------------ what the link says (wire.link.Sink)

    def on_bytes(self, data: bytes) -> None:
        """Deliver every message that ends in this chunk, before returning."""
        if self._lost is not None:
            return
        self._bytes_in += len(data)
        self._outbox.free = True
        self._reader.feed(data)

    def on_message(self, data: bytes, related: int | str | None) -> None:
        """Like `on_bytes`, for a message that came on the stream of our request `related` (wire.http.HttpSink)."""
        self._related = related
        try:
            self.on_bytes(data)
        finally:
            self._related = None

    def on_call_lost(self, call: int | str, sent: bool, reason: str) -> None:
        """One call can get no answer any more, though the link lives on (wire.http.HttpSink)."""
        lost = self._calls.pop(call, None)
        if lost is not None:
            self._fail(lost, ConnectionLost(self.server, reason, sent=sent))

    def on_call_refused(self, call: int | str, error: ServerError) -> None:
        """One call was not let in, for want of credentials (wire.http.RefusalSink)."""
        refused = self._calls.pop(call, None)
        if refused is not None:
            self._fail(refused, error)

    def on_closing(self, reason: str) -> None:
        """No request fares better from now on; those under way may still be answered (wire.http.SessionSink)."""
        self._tell(self._peer.on_closing, ConnectionLost(self.server, reason, sent=False))

    def on_gap(self) -> None:
        """What the server said of its own accord may have been missed (wire.http.SessionSink)."""
        self._tell(self._peer.on_gap)

    def on_eof(self) -> None:
        """No answer can come any more. The exit of its process, if it is reported soon, may still say why."""
        if self._ending is None:
            self._ending = "closed its output"
            if self._link is None or self._link.pid is None:
                self._loop.call_soon(self._settle, None)
            else:
                self._exit_awaited = self._loop.call_later(EXIT_FOLLOWS, self._settle, None)

    def on_exit(self, status: int | None) -> None:
        """Settle everything: what could be read was delivered before."""
        if self._lost is None:
            self._ending = exit_reason(status)
            self._settle(status)

    def _on_refused(self, offset: int) -> None:
        """Calls that waited to be joined met a link that is dead."""
        for call in [call for call in self._calls.values() if call.end > offset]:
            del self._calls[call.id]
            if not call.future.done():
                call.future.set_exception(ConnectionLost(self.server, READS_NO_MORE, sent=False))

    def _settle(self, status: int | None) -> None:
        if self._exit_awaited is not None:
            self._exit_awaited.cancel()
        if self._lost is not None:
            return
        self._reader.finish()
        reason = self._ending or exit_reason(status)
        self._lost = ConnectionLost(self.server, reason, sent=True, status=status)
        calls = list(self._calls.values())
        self._calls.clear()
        self._outbox.drop()
        for call in calls:
            if not call.future.done():
                sent = not self._outbox.provably_unsent(call.end)
                call.future.set_exception(ConnectionLost(self.server, reason, sent=sent, status=status))
        self._tell(self._peer.on_lost, self._lost)

    # ------------------------------------------------------------------ what a message means

    def _receive(self, message: Envelope) -> None:
        if message.method is not UNSET:
            self._hear(message, message.method)
            return
        call = self._calls.pop(message.id, None)
        if call is None:
            call = self._claim(message)
            if call is None:
                return
        result = message.result
        if result is not UNSET and message.error is UNSET and not call.cancelled:
            call.answered = True
            self._answers += 1
            if not call.future.done():
                call.future.set_result(bytes(result))
        else:
            self._answer(call, message)
        self._peer.on_settled()

    def _claim(self, message: Envelope) -> Call | None:
        """The call of an answer whose id is not plainly one of ours."""
        if message.result is UNSET and message.error is UNSET and message.jsonrpc is UNSET:
            self._report(NO_MESSAGE, encode_json(message))
        elif message.id is UNSET or message.id is None:
            self._report("an answer without an id", bytes(message.error or message.result or b""))
        else:
            id = own_id(message.id)
            call = self._calls.pop(id, None)
            if call is not None:
                return call
            if isinstance(id, int) and 0 < id < self.next_id:
                self._late += 1
            else:
                self._unknown += 1
                self._report("an answer to no request", raw_id(id))
        return None

    def _answer(self, call: Call, message: Envelope) -> None:
        """Settle a call with anything but a plain result."""
        if message.result is UNSET and message.error is UNSET and message.jsonrpc is UNSET:
            self._calls[call.id] = call
            self._report(NO_MESSAGE, encode_json(message))
            return
        if is_ambiguous(message):
            self._report(AMBIGUOUS, encode_json(message))
        settled = outcome(self.server, message)
        self._finish(call)
        if not call.future.done():
            if isinstance(settled, bytes):
                call.future.set_result(settled)
            else:
                call.future.set_exception(settled)

    def _fail(self, call: Call, error: Exception) -> None:
        self._finish(call)
        if not call.future.done():
            call.future.set_exception(error)
        self._peer.on_settled()

    def _finish(self, call: Call) -> None:
        call.answered = True
        if call.cancelled:
            self._late += 1
        else:
            self._answers += 1

    def _hear(self, message: Envelope, method: str) -> None:
        """A request or notification of the server's."""
        if message.jsonrpc is UNSET:
            self._report(NO_MESSAGE, encode_json(message))
            return
        self._inbound += 1
        params = None if message.params is UNSET else bytes(message.params)
        if params == b"null":
            params = None
        call = None if params is None else attribute(method, params, self._calls)
        if call is None and self._related is not None:
            call = self._calls.get(self._related)
        if message.id is UNSET or message.id is None:
            if call is None or call.sink is None:
                self._tell(self._peer.on_notification, Inbound(None, method, params, call))
            elif not call.cancelled:
                self._tell(call.sink.on_notification, method, params)
        elif method == "ping":
            self.respond(raw_id(message.id), b"{}")
        else:
            self._tell(self._peer.on_request, Inbound(raw_id(message.id), method, params, call))

    def _on_broken(self, whose: Salvaged, size: int | None) -> None:
        """A message that cannot be read as a whole costs whoever waits for it, at once, and nobody else."""
        if not whose.spoken or whose.id is None:
            return
        if size is None:
            problem = "is not valid JSON, or nested too deeply"
            error: Exception = BadAnswer(self.server, PARSE_ERROR, f"the answer {problem}")
        else:
            problem = f"has {size:,} bytes, the limit is {self._limit:,}"
            error = MessageTooLarge(self.server, f"the answer {problem}; raise `max_message_bytes` to let it through")
        if whose.method:
            self.respond_error(raw_id(whose.id), PARSE_ERROR, f"the request {problem}")
        elif (call := self._calls.pop(own_id(whose.id), None)) is not None:
            self._fail(call, error)

    def _tell(self, hear: Callable[..., None], *what: object) -> None:
        """Our own failures must not cost the messages that follow, nor go unseen."""
        try:
            hear(*what)
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": f"`{self.server}`: what it sent could not be handled", "exception": error}
            )
