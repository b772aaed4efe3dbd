"""A fake server whose calls ask questions of their own, each labelled with the call that it is for."""

from __future__ import annotations

import asyncio
from typing import Any

from mcpool.wire.unanswered import CANCELLED_STAYS
from support.fake_server import LATENCY, FakeProcess, FakeServer, Message, tool


class AskingServer(FakeServer):
    """Every call is a script: seconds to work, and "ask", which waits until the client has answered.

    `tools/call work {"label": ..., "script": [0.5, "ask", 0.1]}`. It asks by itself with `asks_unasked`.
    """

    def __init__(self, name: str = "fake", **more: Any) -> None:
        super().__init__(name, tools=[tool("work")], **more)
        self.acts["tools/call work"] = self._begin
        self.acts["notifications/cancelled"] = self._cancelled
        self.on_answer = self._go_on
        self.heeds_cancels = True
        self.answers_of: dict[str, list[Message]] = {}
        """By label: what its questions were answered."""
        self.asked_late: set[str] = set()
        """Labels of calls on whose behalf it asked so long after they were given up that they count no longer."""
        self._calls: dict[tuple[FakeProcess, Any], str] = {}
        self._given_up: dict[str, float] = {}
        self._pending: dict[tuple[FakeProcess, Any], tuple[Message, list[Any]]] = {}
        self._cancelled_ids: set[tuple[FakeProcess, Any]] = set()

    def asks_unasked(self) -> None:
        """Ask while working for nobody."""
        self.process.asks("elicitation/create", _question("background"))

    def _begin(self, process: FakeProcess, message: Message) -> None:
        arguments = message["params"]["arguments"]
        self._calls[process, message["id"]] = arguments["label"]
        self._work(process, message, list(arguments["script"]))

    def _work(self, process: FakeProcess, message: Message, script: list[Any]) -> None:
        label = message["params"]["arguments"]["label"]
        if (process, message["id"]) in self._cancelled_ids:
            return
        if not script:
            process.answers(message, {"content": [{"type": "text", "text": f'"{label}"'}]})
            return
        do = script.pop(0)
        if do == "ask":
            given_up = self._given_up.get(label)
            if given_up is not None and _now() - given_up >= CANCELLED_STAYS - 2 * LATENCY:
                self.asked_late.add(label)
            id = process.asks("elicitation/create", _question(label))
            self._pending[process, id] = message, script
        else:
            asyncio.get_running_loop().call_later(do, self._work, process, message, script)

    def _go_on(self, process: FakeProcess, answer: Message) -> None:
        waiting = self._pending.pop((process, answer["id"]), None)
        if waiting is None:
            return
        message, script = waiting
        self.answers_of.setdefault(message["params"]["arguments"]["label"], []).append(answer)
        self._work(process, message, script)

    def _cancelled(self, process: FakeProcess, message: Message) -> None:
        id = message["params"]["requestId"]
        if (label := self._calls.get((process, id))) is not None:
            self._given_up[label] = _now()
        if not self.heeds_cancels:
            return
        self._cancelled_ids.add((process, id))
        for (asker, question), (call, _) in list(self._pending.items()):
            if asker is process and call["id"] == id:
                del self._pending[asker, question]
                process.says({"method": "notifications/cancelled", "params": {"requestId": question}})


def _now() -> float:
    return asyncio.get_running_loop().time()


def _question(label: str) -> Message:
    return {"message": label, "requestedSchema": {"type": "object", "properties": {}}}
