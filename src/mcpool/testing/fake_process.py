"""One process of a fake server, seen from the test: what it gets comes here, and what it says is decided here."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from typing import Any, Protocol, cast

from mcpool.testing.answers import (
    METHOD_NOT_FOUND,
    Era,
    FakeTool,
    Message,
    acknowledged,
    failure,
    is_modern,
    opening,
    refusal,
    reply,
    returned,
    subscription,
    tool_result,
)
from mcpool.testing.faults import START, Ask, Crash, Fault, Garbage, Hang, Refuse, Slow
from mcpool.testing.relay import COMPLAIN, EXIT, WRITE, order

TOOLS_CHANGED = "notifications/tools/list_changed"
_EMPTY_RESULTS = ("ping", "logging/setLevel")


class Script(Protocol):
    """How each process of a fake server behaves, and where it is written down what they got."""

    name: str
    eras: tuple[Era, ...]

    @property
    def tools(self) -> dict[str, FakeTool]: ...

    def next_fault(self, what: str) -> Fault | None:
        """What goes wrong this time with a start, a method or a tool."""
        ...

    def note(self, pid: int, message: Message) -> None:
        """A process got this."""
        ...

    def began(self, process: FakeProcess) -> None:
        """A process runs."""
        ...

    def ended(self, process: FakeProcess) -> None:
        """A process is gone."""
        ...


class FakeProcess:
    """Speaks for one process, on the event loop of its server."""

    def __init__(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = 0
        self._script = script
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(9001)
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._subscriptions: list[Any] = []
        self._initialized = False

    async def live(self) -> None:
        """Serve until the process is gone."""
        try:
            self.pid = json.loads(await self._reader.readline())["pid"]
        except (ValueError, TypeError, KeyError):
            return  # it ended, or was ended, before it could say who it is
        self._script.began(self)
        try:
            match self._script.next_fault(START):
                case Slow(seconds):
                    await asyncio.sleep(seconds)
                case Crash() as crash:
                    self._end(crash)
                case Garbage(data):
                    self._order(WRITE, data)
                case Hang():
                    while await self._reader.read(1 << 16):
                        pass
                case _:
                    pass
            while line := await self._reader.readline():
                self._take(line)
        finally:
            for task in self._working.values():
                task.cancel()
            self._writer.close()
            self._script.ended(self)

    def tools_changed(self) -> None:
        """Tell that the list of tools is another one."""
        if self._initialized:
            self._say({"method": TOOLS_CHANGED})
        for id in self._subscriptions:
            self._say({"method": TOOLS_CHANGED, "params": {"_meta": subscription(id)}})

    # ------------------------------------------------------------------ what it says

    def _say(self, message: Message) -> None:
        self._order(WRITE, json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _order(self, kind: bytes, data: bytes) -> None:
        self._writer.write(order(kind, data))

    def _end(self, crash: Crash) -> None:
        if crash.words:
            self._order(COMPLAIN, crash.words.encode() + b"\n")
        self._order(EXIT, str(crash.status).encode())

    # ------------------------------------------------------------------ what it gets

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if isinstance(message, dict):
            self._receive(cast(Message, message))

    def _receive(self, message: Message) -> None:
        if not isinstance(message.get("params", {}), dict):
            message["params"] = {}
        method = message.get("method")
        if method is None:
            asked = self._asked.pop(message.get("id", 0), None)
            if asked is not None and not asked.done():
                asked.set_result(message)
            return
        self._script.note(self.pid, message)
        if method == "notifications/cancelled":
            task = self._working.pop(_key(message.get("params", {}).get("requestId")), None)
            if task is not None:
                task.cancel()
        elif "id" in message:
            key = _key(message["id"])
            task = self._working[key] = asyncio.get_running_loop().create_task(self._answer(method, message))
            task.add_done_callback(lambda task: self._forget(key, task))

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if self._working.get(key) is task:
            del self._working[key]
        if not task.cancelled():
            task.result()

    async def _answer(self, method: str, message: Message) -> None:
        params = message.get("params", {})
        what = params.get("name", "") if method == "tools/call" else method
        fault = None if "inputResponses" in params else self._script.next_fault(what)
        match fault:
            case Crash(answered=False) as crash:
                self._end(crash)
                return
            case Hang():
                await asyncio.get_running_loop().create_future()
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case Refuse(code, words):
                self._say(refusal(message, code, words))
                return
            case Garbage(data):
                self._order(WRITE, data)
            case _:
                pass
        if method == "tools/call":
            await self._call(message, fault if isinstance(fault, Ask) else None)
        else:
            self._serve(method, message)
        if isinstance(fault, Crash):
            self._end(fault)

    def _serve(self, method: str, message: Message) -> None:
        result: Message | None = None
        if method in ("initialize", "server/discover"):
            result = opening(self._script.name, message, self._script.eras)
            self._initialized = result is not None and method == "initialize"
        elif method == "tools/list":
            result = {"tools": [tool.listed for tool in self._script.tools.values()]}
        elif method == "subscriptions/listen" and is_modern(message):
            self._subscriptions.append(message["id"])
            self._say(acknowledged(message))
            return
        elif method in _EMPTY_RESULTS:
            result = {}
        if result is None:
            self._say(refusal(message, METHOD_NOT_FOUND, f"no method {method}"))
        else:
            self._say(reply(message, result))

    async def _call(self, message: Message, question: Ask | None) -> None:
        params = message.get("params", {})
        tool = self._script.tools.get(params.get("name", ""))
        if tool is None:
            self._say(refusal(message, -32602, f"no tool {params.get('name')!r}"))
            return
        responses = params.get("inputResponses")
        if question is not None and is_modern(message):
            asking = {"method": "elicitation/create", "params": _form(question)}
            demand = {"resultType": "input_required", "inputRequests": {"ask": asking}, "requestState": "asked"}
            self._say({"id": message["id"], "result": demand})
            return
        answer = responses["ask"] if responses else None if question is None else await self._ask(question)
        if answer is not None and answer.get("action") != "accept":
            self._say(reply(message, failure(f"the user did not accept: {answer.get('action')}")))
            return
        try:
            result = tool_result(await returned(tool.run(params.get("arguments") or {})))
        except Exception as error:  # whatever a tool of a test raises is that tool's failure
            result = failure(f"{type(error).__name__}: {error}")
        self._say(reply(message, result))

    async def _ask(self, question: Ask) -> Message:
        id = next(self._ids)
        asked = self._asked[id] = asyncio.get_running_loop().create_future()
        self._say({"id": id, "method": "elicitation/create", "params": _form(question)})
        try:
            answer = await asked
        except asyncio.CancelledError:
            with suppress(KeyError):
                del self._asked[id]
            self._say({"method": "notifications/cancelled", "params": {"requestId": id}})
            raise
        result = answer.get("result")
        return cast(Message, result) if isinstance(result, dict) else {"action": f"error: {answer.get('error')}"}


def _form(question: Ask) -> Message:
    return {"mode": "form", "message": question.message, "requestedSchema": dict(question.schema)}


def _key(id: Any) -> str:
    return json.dumps(id)
