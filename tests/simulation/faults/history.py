"""One history as it happens: the real pool, threads and steps over two fake servers, one with all the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from mcpool.backend.holder import Question
from mcpool.config.server import ServerConfig
from mcpool.errors import McpoolError
from mcpool.pool.resolver import Circumstances, Resolved
from mcpool.pool.turns import MOST_OVERFLOW
from mcpool.threads.thread import Thread
from mcpool.wire.link import Sink
from simulation.faults.faulty import FaultyServer
from simulation.faults.plan import Happening, Plan
from support.fake_server import FakeProcess, FakeServer, tool
from support.world import Ear, World, config

TOOL_TIMEOUT = 10.0
STARTUP_TIMEOUT = 20.0
THREADS = 3
MOST_THREADS = 6
HEALED_WITHIN = 900.0
"""Seconds after the last fault in which a server must be usable again."""


class Violated(AssertionError):
    """An invariant does not hold."""


class Person(Ear):
    """Answers a question after a while."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self._after = after

    async def on_question(self, question: Question) -> bytes:
        self.questions.append(question)
        await asyncio.sleep(self._after)
        return b'{"action":"accept","content":{}}'


@dataclass(eq=False)
class Call:
    """One call of one thread."""

    number: int
    server: str
    tool: str
    deed: str
    thread: Thread
    began: float
    task: asyncio.Task[str]
    cancelled: bool = False
    ended: float | None = None

    def __str__(self) -> str:
        return f"call {self.number} ({self.tool} that {self.deed}, of {self.thread.id})"


class FaultyWorld(World):
    """Holds each backend to one process at a time, and to the number that may help out beside it."""

    def __init__(self, *servers: FakeServer, configs: list[ServerConfig], note: Callable[[str], None]) -> None:
        super().__init__(*servers, configs=configs)
        self._note = note

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        resolved = super().resolve(server, circumstances)
        mine: list[FakeProcess] = []

        async def open_one(sink: Sink) -> FakeProcess:
            running = [process for process in mine if not process.ended]
            if len(running) > (MOST_OVERFLOW if server.when_asking == "overflow" else 0):
                raise Violated(f"invariant 1: a backend starts another process while {running} runs")
            fake = self.servers[server.name]
            process = await fake.open(sink)
            self._note(f"  {process} starts")
            mine.append(process)
            return process

        return replace(resolved, opener=open_one)


class History:
    """The state of a history, and what each happening does to it."""

    def __init__(self, plan: Plan, trace: list[str]) -> None:
        self.plan = plan
        self.trace = trace
        self.loop = asyncio.get_running_loop()
        self.faulty = FaultyServer("faulty", plan.eras, plan.closing_takes, self.note)
        self.calm = FakeServer("calm", tools=[tool("echo")])
        self.calm.acts["tools/call"] = lambda process, message: process.answers(
            message, {"content": [{"type": "text", "text": str(message["params"]["arguments"]["number"])}]}
        )
        self.calm.acts["ping"] = lambda process, message: process.answers(message, {})
        self.calls: list[Call] = []
        self.threads: list[Thread] = []
        self.people: dict[Thread, Person] = {}
        self.closed: set[Thread] = set()
        self._others: list[asyncio.Task[None]] = []
        faulty = {"retry": plan.retry, "when_asking": plan.when_asking, "overlap": plan.overlap}
        settings = {
            "tool_timeout": TOOL_TIMEOUT,
            "startup_timeout": STARTUP_TIMEOUT,
            "idle_timeout": plan.idle_timeout,
            "stop_when_unused": plan.stop_when_unused,
        }
        configs = [
            config("faulty", **faulty, **settings),
            config("calm", **settings),
        ]
        self.world = FaultyWorld(self.faulty, self.calm, configs=configs, note=self.note)
        self._applied = 0

    def note(self, what: str) -> None:
        self.trace.append(f"{self.loop.time():11.4f}  {what}")

    def begin(self) -> None:
        for _ in range(THREADS):
            self._open_thread()

    def unanswered(self) -> list[Call]:
        return [call for call in self.calls if not call.task.done()]

    # ------------------------------------------------------------------ happenings

    def happens(self, happening: Happening) -> None:
        """Let one thing happen, without waiting for it."""
        self.note(str(happening))
        running = self.faulty.running
        number = happening.number
        match happening.kind:
            case "call":
                self._call("faulty", happening.tool, happening.deed, number)
            case "call_calm":
                self._call("calm", "echo", "answers", number)
            case "cancel" if waiting := [call for call in self.unanswered() if call.server == "faulty"]:
                call = waiting[number % len(waiting)]
                call.cancelled = True
                call.task.cancel()
            case "exit" if running:
                running[-1].exit(1)
            case "vanish" if running:
                running[-1].dies_silently(told_after=0.003)
            case "eof" if running:
                running[-1].closes_output()
            case "garbage" if running:
                running[-1].says_raw(b"\xff\n{\n[]\n" * 3)
            case "session_gone" if running:
                running[-1].exit(None)
            case "deaf":
                self.faulty.reads = False
            case "hear":
                self.faulty.reads_on()
            case "slow_start":
                self.faulty.slow_start = (1.0, 8.0, 60.0)[number % 3]
            case "crash_loop":
                self.faulty.crash_loop = True
            case "fails_to_start":
                self.faulty.fails_to_start = "its program is gone"
            case "mend":
                self.faulty.mend()
            case "tools_change":
                self.faulty.change_tools()
            case "open_thread" if len(self.threads) < MOST_THREADS:
                self._open_thread()
            case "close_thread" if len(self.threads) > 1:
                thread = self.threads.pop(number % len(self.threads))
                self.closed.add(thread)
                self._others.append(asyncio.create_task(thread.close()))
            case "reload":
                self.world.threads.reload()
            case "reconnect":
                self._others.append(asyncio.create_task(self._reconnect()))
            case "apply":
                self._apply()
            case "status":
                for entry in self.world.pool:
                    entry.backend.status()
            case _:
                pass

    def _apply(self) -> None:
        """A change of what is view only, so that processes stay."""
        self._applied += 1
        self.world.configure("faulty", tool_timeout=TOOL_TIMEOUT + self._applied % 2)

    async def _reconnect(self) -> None:
        with suppress(McpoolError):
            await self.world.pool.reconnect("faulty")

    def _open_thread(self) -> None:
        person = Person(self.plan.answers_after)
        thread = self.world.thread(person)
        self.threads.append(thread)
        self.people[thread] = person

    def _call(self, server: str, tool: str, deed: str, number: int) -> None:
        thread = self.threads[number % len(self.threads)]
        self.make(server, tool, deed, thread)

    def make(self, server: str, tool: str, deed: str, thread: Thread) -> Call:
        """Begin a call."""
        number = len(self.calls)
        task = asyncio.create_task(self._perform(thread, server, tool, number, deed))
        call = Call(number, server, tool, deed, thread, self.loop.time(), task)
        self.calls.append(call)
        task.add_done_callback(lambda _: self._ended(call))
        self.note(f"  call {number} begins in {thread.id}")
        return call

    async def _perform(self, thread: Thread, server: str, tool: str, number: int, deed: str) -> str:
        async with thread.step() as step:
            result = await step.call(f"mcp__{server}__{tool}", {"number": number, "deed": deed})
        return result.for_model()

    def _ended(self, call: Call) -> None:
        call.ended = self.loop.time()
        if call.task.cancelled():
            outcome = "was cancelled"
        elif (error := call.task.exception()) is not None:
            outcome = f"fails: {type(error).__name__}: {error}"
        else:
            outcome = f"is answered: {call.task.result()}"
        self.note(f"  call {call.number} {outcome}")

    # ------------------------------------------------------------------ the end

    async def rest(self) -> None:
        """Wait for everything that was begun."""
        await asyncio.gather(*(call.task for call in self.calls), *self._others, return_exceptions=True)

    async def close_threads(self) -> None:
        for thread in self.threads:
            await thread.close()
        self.threads.clear()
