"""A link to one streamable-HTTP endpoint: one task owns the SDK's transport, from entering it to leaving it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import anyio
import httpx2

from mcpool.errors import AuthRequired, ServerError, ServerUnavailable
from mcpool.wire.http import HttpSink, HttpSpec, RefusalSink, SessionSink
from mcpool.wire.http_client import http_client
from mcpool.wire.http_error import why
from mcpool.wire.http_frame import Frame, MessageId, ParameterHeaders, headers_for, read_frame
from mcpool.wire.http_guard import CURRENT
from mcpool.wire.http_stub import stub
from mcpool.wire.link import Sink
from mcpool.wire.refused import http_refused

if TYPE_CHECKING:
    from contextvars import Context

    from anyio.abc import TaskGroup
    from mcp.client._transport import ReadStream, TransportStreams, WriteStream
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCMessage

_log = logging.getLogger(__name__)

CALL_LOST = -32000
"""The JSON-RPC code of a lost call, for a sink that has no other way to hear of it."""
_CANCELLED_LINGERS = 30.0
_CLOSE_SECONDS = 4.0
_FORGOTTEN = "no longer knows our session"
_NEGOTIATION = frozenset({"initialize", "server/discover"})


class HttpLink:
    """`Link` over streamable HTTP. Made by `open_http`."""

    def __init__(self, spec: HttpSpec, sink: Sink) -> None:
        self._spec = spec
        self._sink = sink
        self._knowing = sink if isinstance(sink, HttpSink) else None
        self._refusing = sink if isinstance(sink, RefusalSink) else None
        self._told = sink if isinstance(sink, SessionSink) else None
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Frame] = deque()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._entered: asyncio.Future[None] = self._loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[MessageId, Frame] = {}
        self._leaving: set[Frame] = set()
        self._written = 0
        self._taken = 0
        self._accepted = 0
        self._version: str | None = None
        self._parameters = ParameterHeaders()
        self._words = ""
        self._phrase = "is gone"
        """The same for the middle of a sentence."""
        self._closing = False
        """No request fares better here any more, but some are under way."""
        self._pumps: TaskGroup | None = None

    def __repr__(self) -> str:
        state = "open" if self.alive else f"ended: {self._words or 'closed'}"
        return f"<HttpLink {self._spec.server} {state} [{len(self._waiting)} unanswered]>"

    # -- Link

    @property
    def pid(self) -> int | None:
        return None

    @property
    def alive(self) -> bool:
        return not self._stop.is_set()

    @property
    def sent(self) -> int:
        """The end of the last message that the server may have got: those it refused do not count."""
        return max(self._accepted, *(frame.end for frame in self._leaving), 0)

    @property
    def buffered(self) -> int:
        return self._written - self._taken

    def write(self, data: bytes) -> None:
        """Send whole JSON lines. After the end it does nothing.

        Raises:
            ValueError: a line is not a JSON object.
        """
        if not self.alive:
            return
        for line in data.splitlines():
            self._written += len(line) + 1
            if not line:
                continue
            frame = read_frame(line, self._written)
            self._note(frame)
            self._queue.append(frame)
        self._wake.set()

    def last_words(self) -> str:
        """Why the link ended, since there is no stderr to quote."""
        return self._words

    async def close(self) -> None:
        """End the session with a DELETE (2 s at most), then the connections."""
        self._stop.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_CLOSE_SECONDS)
        self._task.cancel()
        await asyncio.wait({self._task})

    def kill(self) -> None:
        self._end("it was ended from this side")
        if self._task is not None:
            self._task.cancel()

    # -- beyond Link

    def set_tool_schemas(self, schemas: Mapping[str, object]) -> None:
        """Tell which input schemas tools have, so that arguments marked `x-mcp-header` are mirrored into headers.

        Lists that pass through this link teach it by themselves; this is for schemas known from elsewhere.
        """
        for tool, schema in schemas.items():
            self._parameters.learn(tool, schema)

    def why_unusable(self, tool: str) -> str | None:
        reason = self._parameters.invalid.get(tool)
        return None if reason is None else f"cannot be called over HTTP: {reason}"

    async def open(self) -> None:
        """Start the owner task.

        Raises:
            ServerUnavailable: the URL or the proxy cannot be used at all.
        """
        self._task = self._loop.create_task(self._own(), name=f"mcpool-http-{self._spec.server}")
        try:
            await asyncio.shield(self._entered)
        except asyncio.CancelledError:
            self.kill()
            raise

    # -- the owner task

    async def _own(self) -> None:
        """Enter the SDK's transport, pump until told to stop, leave it. Nobody else touches its contexts."""
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(http_client(self._spec, self))
                read, write = await stack.enter_async_context(self._transport(client))
                self._entered.set_result(None)
                async with anyio.create_task_group() as pumps:
                    self._pumps = pumps
                    pumps.start_soon(self._pump_out, write)
                    pumps.start_soon(self._pump_in, read)
                    await self._stop.wait()
                    self._pumps = None
                    pumps.cancel_scope.cancel()
        except Exception as exc:
            self._words = self._words or f"{self._where()}: {why(exc)}"
            _log.debug("%s: HTTP transport failed", self._spec.server, exc_info=True)
        finally:
            self._stop.set()
            if self._entered.done():
                self._lose_the_rest()
                self._sink.on_exit(None)
            else:
                self._entered.set_exception(ServerUnavailable(self._spec.server, f"cannot use {self._words}"))

    def _lose_the_rest(self) -> None:
        """Nothing comes any more. What never began to leave has not run, whatever left after it."""
        for frame in list(self._waiting.values()):
            if frame.method not in _NEGOTIATION:
                self._call_lost(frame, sent=frame.posted and not frame.refused, reason=self._phrase)

    def _transport(self, client: httpx2.AsyncClient) -> AbstractAsyncContextManager[TransportStreams]:
        from mcp.client.streamable_http import streamable_http_client

        return streamable_http_client(self._spec.url, http_client=client, max_sse_event_size=self.limit)

    async def _pump_out(self, stream: WriteStream[SessionMessage]) -> None:
        while True:
            while self._queue and self.alive:
                frame = self._queue.popleft()
                self._taken = frame.end
                CURRENT.set(frame)
                await stream.send(stub(frame, headers_for(frame, self._version, self._parameters)))
                CURRENT.set(None)
            self._wake.clear()
            await self._wake.wait()

    async def _pump_in(self, stream: ReadStream[SessionMessage | Exception]) -> None:
        async for item in stream:
            context: Context | None = getattr(stream, "last_context", None)
            frame = context.get(CURRENT) if context is not None else None
            if isinstance(item, Exception):
                _log.warning("`%s`: skipped a message that is not JSON-RPC: %s", self._spec.server, why(item))
            else:
                self._deliver(item.message, frame if frame is not None and frame.is_request else None)
        self._end("the transport closed")

    def _deliver(self, message: JSONRPCMessage, frame: Frame | None) -> None:
        """Pass on what came on the stream of `frame` (None: on the general one)."""
        from mcp_types import JSONRPCError, JSONRPCResponse, jsonrpc_message_adapter

        if frame is not None and isinstance(message, JSONRPCError | JSONRPCResponse):
            if frame.answered:
                return
            if frame.ended and isinstance(message, JSONRPCError) and message.error.code == CALL_LOST:
                cause = f" ({frame.why})" if frame.why else ""
                self.dropped(frame, f"ended the stream without an answer{cause}")  # the SDK has words of its own for it
                return
            message.id = frame.id if frame.id is not None else 0  # some servers answer with another id, or none
            self._settle(frame)
            if isinstance(message, JSONRPCResponse):
                self._learn(frame, message.result)
        data = jsonrpc_message_adapter.dump_json(message, by_alias=True, exclude_unset=True)
        self._emit(data + b"\n", None if frame is None else frame.id)

    def _learn(self, frame: Frame, result: Mapping[str, Any]) -> None:
        """What later headers depend on: the version that was negotiated, and the schemas of listed tools."""
        if frame.method == "initialize" and isinstance(version := result.get("protocolVersion"), str):
            self._version = version
        elif frame.method == "tools/list" and frame.version is not None:
            tools = result.get("tools")
            for tool in cast("list[object]", tools) if isinstance(tools, list) else ():
                if isinstance(tool, dict):
                    fields = cast("dict[str, object]", tool)
                    self._parameters.learn(str(fields.get("name")), fields.get("inputSchema"))

    # -- what the guard reports

    @property
    def limit(self) -> int:
        return self._spec.max_message_bytes

    @property
    def lost(self) -> bool:
        return bool(self._words) or self._closing

    def posting(self, frame: Frame) -> None:
        frame.posted = True
        self._leaving.add(frame)

    def posted(self, frame: Frame) -> None:
        self._leaving.discard(frame)
        if not frame.refused:
            self._accepted = max(self._accepted, frame.end)

    def unreachable(self, frame: Frame | None, reason: str) -> None:
        phrase = f"could not be reached at {self._where()} ({reason})"
        self._unsent(frame, phrase)
        self._close(f"cannot connect to {self._where()}: {reason}", phrase)

    def dropped(self, frame: Frame, reason: str) -> None:
        self._call_lost(frame, sent=True, reason=reason)

    def refused(self, frame: Frame, error: dict[str, object], executed: bool | None) -> None:
        frame.refused = executed is False
        if executed is not True and self._refusing is not None:
            self._turn_away(frame, http_refused(self._spec.server, error))
        elif executed is None and frame.method not in _NEGOTIATION:
            self._call_lost(frame, sent=True, reason=f"answered {error['message']}")
        else:
            self._fail(frame, error)

    def unauthorized(self, frame: Frame, error: dict[str, object]) -> None:
        if self._refusing is None:
            self.refused(frame, error, False)
            return
        self.rejected(frame, self._auth_required())
        if frame.method not in _NEGOTIATION and not self._under_way:
            phrase = "wants other credentials (HTTP 401)"
            self._end(f"{self._where()}: it {phrase}", phrase)

    def rejected(self, frame: Frame, error: ServerError) -> None:
        frame.refused = True
        self._turn_away(frame, error)

    def _auth_required(self) -> AuthRequired:
        if self._spec.credentials is not None:
            return self._spec.credentials.required()
        what = "refuses the credentials that are configured for it (HTTP 401): correct them, then run `mcpool apply`"
        return AuthRequired(self._spec.server, what)

    def too_late(self, frame: Frame) -> None:
        self._unsent(frame, self._phrase)

    def session_gone(self, frame: Frame | None) -> None:
        self._unsent(frame, _FORGOTTEN)
        self._close(f"{self._where()}: the server {_FORGOTTEN}", _FORGOTTEN)

    def gap(self) -> None:
        if self._told is not None:
            self._told.on_gap()

    def aside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._pumps is not None:
            self._pumps.start_soon(work)

    # -- telling the sink

    def _call_lost(self, frame: Frame, *, sent: bool, reason: str) -> None:
        if not frame.is_request or frame.answered or frame.id is None:
            return
        if self._knowing is None or frame.method in _NEGOTIATION:
            self._fail(frame, {"code": CALL_LOST, "message": f"the server {reason}"})
        else:
            self._settle(frame)
            self._knowing.on_call_lost(frame.id, sent, reason)

    def _turn_away(self, frame: Frame, error: ServerError) -> None:
        if self._refusing is None:
            self._fail(frame, {"code": CALL_LOST, "message": error.message})
        elif frame.is_request and not frame.answered and frame.id is not None:
            self._settle(frame)
            self._refusing.on_call_refused(frame.id, error)

    def _unsent(self, frame: Frame | None, phrase: str) -> None:
        if frame is None:
            return
        frame.refused = True
        if frame.method not in _NEGOTIATION:  # those are settled by the end of the link, which knows more
            self._call_lost(frame, sent=False, reason=phrase)

    def _fail(self, frame: Frame, error: Mapping[str, object]) -> None:
        if not frame.is_request or frame.answered:
            return
        self._settle(frame)
        line = json.dumps({"jsonrpc": "2.0", "id": frame.id, "error": error}).encode()
        self._emit(line + b"\n", frame.id)

    def _emit(self, line: bytes, related: MessageId | None) -> None:
        if self._knowing is not None:
            self._knowing.on_message(line, related)
        else:
            self._sink.on_bytes(line)

    def _note(self, frame: Frame) -> None:
        """Remember a request until it is answered; a cancelled one not for ever."""
        if frame.is_request and frame.id is not None:
            self._waiting[frame.id] = frame
        withdrawn = self._waiting.get(frame.cancels) if frame.cancels is not None else None
        if withdrawn is None:
            return
        if withdrawn.version is not None:
            self._settle(withdrawn)  # the SDK closes its stream, which is how this revision cancels
        else:
            withdrawn.expire_at(self._loop.time() + _CANCELLED_LINGERS)

    def _settle(self, frame: Frame) -> None:
        frame.answered = True
        if frame.id is not None and self._waiting.get(frame.id) is frame:
            del self._waiting[frame.id]

    def _end(self, reason: str, phrase: str = "is gone") -> None:
        if self.alive:
            self._words, self._phrase = reason, phrase
            self._stop.set()

    def _close(self, reason: str, phrase: str) -> None:
        """No request fares better from now on. Those under way are not to suffer from what befell another."""
        if self._told is not None and self.alive and not self._closing:
            self._closing = True
            self._told.on_closing(phrase)
        if not self._under_way:
            self._end(reason, phrase)

    @property
    def _under_way(self) -> bool:
        """Whether an answer may come that somebody wants."""
        return any(
            frame.posted and not (frame.refused or frame.ended or frame.withdrawn) for frame in self._waiting.values()
        )

    def _where(self) -> str:
        """The endpoint without what may be secret in a URL."""
        parts = urlsplit(self._spec.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
