"""A fake server that does to a call what the call's arguments say, and counts how often each call ran."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable

from simulation.faults.plan import Era
from support.fake_server import FakeProcess, FakeServer, Message, tool

LATE = 2.5
GARBAGE = b"Traceback (most recent call last):\n{} null \xff\n[1,2\n"
STABLE = [
    tool("write"),
    tool("read", annotations={"readOnlyHint": True}),
    tool("put", annotations={"idempotentHint": True}),
]


class FaultyServer(FakeServer):
    """The server that everything happens to."""

    def __init__(self, name: str, eras: tuple[Era, ...], closing_takes: float, note: Callable[[str], None]) -> None:
        super().__init__(name, tools=list(STABLE), eras=eras, closing_takes=closing_takes)
        self.ran: Counter[int] = Counter()
        self.attempts: Counter[int] = Counter()
        self.crash_loop = False
        self._note = note
        self._asked: dict[FakeProcess, dict[int, Message]] = defaultdict(dict)
        self._deeds: dict[str, Callable[[FakeProcess, Message], None]] = {
            "answers": self._answer,
            "answers_late": self._answer_late,
            "never_answers": self._run_only,
            "exits_first": self._exit_first,
            "exits_after": self._exit_after,
            "half_an_answer": self._half_an_answer,
            "garbage_first": self._garbage_first,
            "refuses": self._refuse,
            "asks": self._ask,
            "asks_and_exits": self._ask_and_exit,
            "reports_progress": self._report_progress,
            "lost_sent": self._lost_sent,
            "lost_unsent": self._lost_unsent,
            "busy": lambda process, message: process.refuses(message, -32000, "HTTP 503 Service Unavailable"),
            "unauthorized": lambda process, message: process.refuses(message, -32001, "HTTP 401 Unauthorized"),
        }
        self.acts["tools/call"] = self._call
        self.acts["initialize"] = self.acts["server/discover"] = self._greet
        self.acts["ping"] = lambda process, message: process.answers(message, {})

    def mend(self) -> None:
        """Everything that starts from now on is healthy."""
        self.crash_loop = False
        self.fails_to_start = None
        self.slow_start = 0.0
        self.reads_on()

    def change_tools(self) -> None:
        """A tool comes, or goes."""
        self.tools = [*STABLE, tool("extra")] if len(self.tools) == len(STABLE) else list(STABLE)
        for process in self.running:
            process.says({"method": "notifications/tools/list_changed"})

    def _greet(self, process: FakeProcess, message: Message) -> None:
        if self.crash_loop:
            process.exit(3)
        else:
            process.acts_by_itself(message)

    def _call(self, process: FakeProcess, message: Message) -> None:
        arguments = message["params"]["arguments"]
        number: int = arguments["number"]
        self.attempts[number] += 1
        self._note(f"  process {process.pid} takes call {number}, sending {self.attempts[number]}")
        if self.attempts[number] > 1:
            self._answer(process, message)
        else:
            self._deeds[arguments["deed"]](process, message)

    def _run_only(self, process: FakeProcess, message: Message) -> None:
        self.ran[message["params"]["arguments"]["number"]] += 1

    def _say_result(self, process: FakeProcess, message: Message) -> None:
        number = message["params"]["arguments"]["number"]
        process.answers(message, {"content": [{"type": "text", "text": str(number)}]})

    def _answer(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        self._say_result(process, message)

    def _answer_late(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        asyncio.get_running_loop().call_later(LATE, self._say_result, process, message)

    def _exit_first(self, process: FakeProcess, message: Message) -> None:
        process.exit(1)

    def _exit_after(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        process.exit(1)

    def _half_an_answer(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        process.says_raw(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}).encode()[:-9])
        asyncio.get_running_loop().call_later(0.002, process.exit, 1)

    def _garbage_first(self, process: FakeProcess, message: Message) -> None:
        process.says_raw(GARBAGE)
        self._answer(process, message)

    def _refuse(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        process.refuses(message, -32050, "no such record")

    def _question(self, process: FakeProcess) -> None:
        process.asks("elicitation/create", {"message": "Really?", "requestedSchema": {"type": "object"}})

    def _ask(self, process: FakeProcess, message: Message) -> None:
        self._question(process)
        self._answer_late(process, message)

    def _ask_and_exit(self, process: FakeProcess, message: Message) -> None:
        self._question(process)
        self._run_only(process, message)
        asyncio.get_running_loop().call_later(1.0, process.exit, 1)

    def _report_progress(self, process: FakeProcess, message: Message) -> None:
        token = message["params"].get("_meta", {}).get("progressToken", "none")
        process.says({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})
        self._answer(process, message)

    def _lost_sent(self, process: FakeProcess, message: Message) -> None:
        self._run_only(process, message)
        process.loses(message, sent=True)

    def _lost_unsent(self, process: FakeProcess, message: Message) -> None:
        process.loses(message, sent=False)
