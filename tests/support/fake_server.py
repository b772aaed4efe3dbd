"""A scripted MCP server behind the simulation seam: it speaks JSON-RPC in both eras and fails on demand.

`FakeServer` is what an `Opener` opens, again and again; `FakeProcess` is one life of it, and the link to it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from mcpool.errors import ServerError, ServerUnavailable
from mcpool.wire.http import HttpSink, RefusalSink, SessionSink
from mcpool.wire.link import Sink
from mcpool.wire.refused import http_refused

Message = dict[str, Any]
Act = Callable[["FakeProcess", Message], None]
"""What a process does about one message, in place of what it would do otherwise."""

ANSWER = "answer"
"""What `receives` calls an answer to a question of the server's."""

LATENCY = 0.001
"""Seconds, of the loop's clock, that a message takes in either direction."""

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"


def tool(name: str, **more: Any) -> Message:
    """A tool definition; `more` are further members (`annotations`, `description`, ...)."""
    return {"name": name, "inputSchema": {"type": "object"}, **more}


@dataclass
class FakeServer:
    """How every process of this server behaves. Change it between lives, or during one."""

    name: str
    tools: list[Message] = field(default_factory=lambda: [tool("echo")])
    eras: tuple[Literal["handshake", "modern"], ...] = ("handshake",)
    capabilities: Message = field(default_factory=lambda: {"tools": {"listChanged": True}, "logging": {}})
    page: int = 1000
    """Tools on one page of `tools/list`."""
    slow_start: float = 0.0
    """Seconds until a process takes its first message."""
    busy_start: float = 0.0
    """Of these, how many the process uses the processor for."""
    fails_to_start: str | None = None
    """Why the launcher cannot start it at all."""
    reads: bool = True
    """Whether what is written to it leaves the pipe."""
    closing_takes: float = 0.0
    acts: dict[str, Act] = field(default_factory=dict[str, Act])
    """By method, or by `tools/call NAME`."""
    on_answer: Act | None = None
    """What a process does about an answer to a question of its own."""
    processes: list[FakeProcess] = field(default_factory=list["FakeProcess"])
    _waiting: list[tuple[str, int, asyncio.Future[None]]] = field(
        default_factory=list[tuple[str, int, asyncio.Future[None]]]
    )

    async def open(self, sink: Sink) -> FakeProcess:
        """An `Opener`."""
        if self.fails_to_start is not None:
            raise ServerUnavailable(self.name, self.fails_to_start)
        process = FakeProcess(self, sink, pid=1000 + len(self.processes))
        self.processes.append(process)
        return process

    @property
    def process(self) -> FakeProcess:
        """The newest process."""
        return self.processes[-1]

    @property
    def running(self) -> list[FakeProcess]:
        """The processes that have not ended."""
        return [process for process in self.processes if not process.ended]

    def got(self, method: str) -> list[Message]:
        """Every message of this method that any process received, in order."""
        return [m for process in self.processes for m in process.received if m.get("method") == method]

    def _count(self, method: str) -> int:
        if method == ANSWER:
            return sum(len(process.asked) for process in self.processes)
        return len(self.got(method))

    async def receives(self, method: str, count: int = 1) -> None:
        """Wait until `count` messages of this method, or answers to its own questions, were received in all."""
        if self._count(method) < count:
            arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((method, count, arrived))
            await arrived

    def reads_on(self) -> None:
        """Let its processes read, and take what was written meanwhile."""
        self.reads = True
        for process in self.running:
            process.reads_on()

    def note(self, method: str) -> None:
        """A message of this method came."""
        for wanted, count, arrived in self._waiting:
            if wanted == method and not arrived.done() and self._count(method) >= count:
                arrived.set_result(None)


class FakeProcess:
    """One life of a fake server (`mcpool.wire.link.Link`)."""

    def __init__(self, server: FakeServer, sink: Sink, pid: int) -> None:
        self.server = server
        self.received: list[Message] = []
        self.asked: list[Message] = []
        """Answers to what it asked."""
        self.ended = False
        self.words = ""
        self._pid = pid
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._ready_at = self._begun + server.slow_start
        self._written = self._left = 0
        # Timers of equal times fire in any order; what they deliver keeps its own.
        self._to_it: deque[bytes] = deque()
        self._unread: deque[bytes] = deque()
        self._from_it: deque[bytes] = deque()
        self._ids = itertools.count(9001)

    def __repr__(self) -> str:
        return f"<FakeProcess {self._pid} of {self.server.name}{' (ended)' if self.ended else ''}>"

    # ------------------------------------------------------------------ the link

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def alive(self) -> bool:
        return not self.ended

    @property
    def sent(self) -> int:
        return self._left

    @property
    def buffered(self) -> int:
        return self._written - self._left

    def write(self, data: bytes) -> None:
        if self.ended:
            return
        self._written += len(data)
        self._unread.append(data)
        if self.server.reads:
            self.reads_on()

    def reads_on(self) -> None:
        """Take what waits in the pipe."""
        while self._unread and not self.ended:
            data = self._unread.popleft()
            self._left += len(data)
            self._to_it.append(data)
            self._loop.call_at(max(self._ready_at, self._loop.time() + LATENCY), self._receive)

    def work_done(self) -> int:
        return int(100 * min(self._loop.time() - self._begun, self.server.busy_start))

    def last_words(self) -> str:
        return self.words

    async def close(self) -> None:
        self._unread.clear()  # as a closed pipe drops what it has not taken yet
        if not self.ended and self.server.closing_takes:
            await asyncio.sleep(self.server.closing_takes)
        self.exit(0)

    def kill(self) -> None:
        self.exit(-9)

    # ------------------------------------------------------------------ what a script makes it do

    def says(self, message: Message) -> None:
        """Write one message, which arrives a moment later."""
        self.says_raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def says_raw(self, data: bytes) -> None:
        """Write bytes of any kind."""
        if not self.ended:
            self._from_it.append(data)
            self._loop.call_later(LATENCY, self._deliver)

    def says_late(self, message: Message) -> None:
        """What was on its way when it ended arrives now."""
        self._sink.on_bytes(json.dumps(message).encode() + b"\n")

    def answers(self, message: Message, result: Any) -> None:
        """Answer a request."""
        if _modern(message):
            result = {"resultType": "complete", **result}
        self.says({"id": message["id"], "result": result})

    def refuses(self, message: Message, code: int, reason: str) -> None:
        """Answer a request with an error."""
        self.says({"id": message["id"], "error": {"code": code, "message": reason}})

    def asks(self, method: str, params: Message | None = None) -> int:
        """Ask the client something; returns the id of the question."""
        id = next(self._ids)
        self.says({"id": id, "method": method, "params": params or {}})
        return id

    def loses(self, message: Message, *, sent: bool) -> None:
        """Let one request be lost while the connection stays, as over HTTP; `sent`: it may have run."""
        assert isinstance(self._sink, HttpSink)
        self._sink.on_call_lost(message["id"], sent, "dropped it")

    def takes_no_more(self, reason: str = "could not be reached") -> None:
        """As the link to an endpoint tells that no new request fares better, while others may still be answered."""
        assert isinstance(self._sink, SessionSink)
        self._sink.on_closing(reason)

    def was_not_heard(self) -> None:
        """As the link to an endpoint tells that what it said of its own accord may be lost."""
        assert isinstance(self._sink, SessionSink)
        self._sink.on_gap()

    def acts_by_itself(self, message: Message) -> None:
        """For an act: do what is done about such a message without one."""
        if (act := _ACTS.get(message["method"])) is not None:
            act(self, message)

    def exit(self, status: int | None) -> None:
        """End, at once and visibly; None is an endpoint that is gone."""
        if not self.ended:
            self.ended = True
            self._sink.on_exit(status)

    def refuses_by_http(self, message: Message, status: int, **data: object) -> None:
        """As the link to an endpoint tells of an HTTP status that stands in place of an answer."""
        error = http_refused(
            self.server.name, {"code": -32603, "message": f"HTTP {status}", "data": {"httpStatus": status, **data}}
        )
        self.refuses_in_our_words(message, error)

    def refuses_in_our_words(self, message: Message, error: ServerError) -> None:
        """As the link to an endpoint tells of a request that was not let in."""
        assert isinstance(self._sink, RefusalSink)
        self._loop.call_later(LATENCY, self._sink.on_call_refused, message["id"], error)

    def closes_output(self) -> None:
        """End its output. The process goes on for a while."""
        self._sink.on_eof()

    def dies_silently(self, told_after: float | None = None) -> None:
        """End, and only `alive` shows it; or until so many seconds later, when the exit is reported."""
        self.ended = True
        if told_after is not None:
            self._loop.call_later(told_after, self._sink.on_exit, -9)

    # ------------------------------------------------------------------ what it does by itself

    def _deliver(self) -> None:
        data = self._from_it.popleft()
        if not self.ended:
            self._sink.on_bytes(data)

    def _receive(self) -> None:
        for line in self._to_it.popleft().splitlines():
            if self.ended:
                return
            message: Message = json.loads(line)
            method = message.get("method")
            if method is None:
                self.asked.append(message)
                if self.server.on_answer is not None:
                    self.server.on_answer(self, message)
                self.server.note(ANSWER)
                continue
            self.received.append(message)
            self._act(method, message)
            self.server.note(method)

    def _act(self, method: str, message: Message) -> None:
        acts = self.server.acts
        if method == "tools/call":
            act = acts.get(f"tools/call {message['params']['name']}") or acts.get(method) or _call
        else:
            act = acts.get(method) or _ACTS.get(method)
        if act is not None:
            act(self, message)
        elif "id" in message:
            self.refuses(message, -32601, f"no method {method}")


def _modern(message: Message) -> bool:
    return _VERSION_KEY in message.get("params", {}).get("_meta", {})


def _discover(process: FakeProcess, message: Message) -> None:
    if "modern" not in process.server.eras:
        process.refuses(message, -32601, "no method server/discover")
        return
    process.answers(message, {"supportedVersions": ["2026-07-28"], "capabilities": process.server.capabilities})


def _initialize(process: FakeProcess, message: Message) -> None:
    if "handshake" not in process.server.eras:
        process.refuses(message, -32601, "no method initialize")
        return
    process.answers(
        message,
        {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": process.server.capabilities,
            "serverInfo": {"name": process.server.name, "version": "1"},
        },
    )


def _list(process: FakeProcess, message: Message) -> None:
    begin = int(message.get("params", {}).get("cursor", 0))
    end = begin + process.server.page
    page: Message = {"tools": process.server.tools[begin:end]}
    if end < len(process.server.tools):
        page["nextCursor"] = str(end)
    process.answers(message, page)


def _call(process: FakeProcess, message: Message) -> None:
    params = message["params"]
    text = json.dumps({"tool": params["name"], "arguments": params.get("arguments"), "pid": process.pid})
    process.answers(message, {"content": [{"type": "text", "text": text}]})


def _listen(process: FakeProcess, message: Message) -> None:
    process.says(
        {
            "method": "notifications/subscriptions/acknowledged",
            "params": {
                "_meta": {"io.modelcontextprotocol/subscriptionId": message["id"]},
                "notifications": message["params"]["notifications"],
            },
        }
    )


def nothing(process: FakeProcess, message: Message) -> None:
    """An act: no answer, ever."""


def exits(process: FakeProcess, message: Message) -> None:
    """An act: end instead of answering."""
    process.exit(1)


def _empty(process: FakeProcess, message: Message) -> None:
    process.answers(message, {})


_ACTS: dict[str, Act] = {
    "server/discover": _discover,
    "initialize": _initialize,
    "notifications/initialized": nothing,
    "notifications/cancelled": nothing,
    "tools/list": _list,
    "tools/call": _call,
    "logging/setLevel": _empty,
    "resources/subscribe": _empty,
    "resources/unsubscribe": _empty,
    "subscriptions/listen": _listen,
}
