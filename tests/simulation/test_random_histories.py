"""Whatever happens in whatever order: nothing runs twice, nobody waits for ever, nothing is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpool.errors import McpoolError
from support.fake_server import FakeProcess, FakeServer, Message
from support.virtual_time import VirtualTimeLoop
from support.world import World, config

HAPPENINGS = (
    "call",
    "call",
    "call",
    "cancel",
    "exit",
    "vanish",
    "eof",
    "deaf",
    "hear",
    "reload",
    "reconnect",
    "apply",
    "wait",
)


class History:
    """One server, three threads, and what happens to them."""

    def __init__(self, world: World, server: FakeServer) -> None:
        self.world = world
        self.server = server
        self.ran: Counter[int] = Counter()
        self.calls: list[asyncio.Task[Any]] = []
        self.others: list[asyncio.Task[Any]] = []
        self._threads = [world.thread() for _ in range(3)]
        self._applied = 0
        server.acts["tools/call"] = self._run

    def _run(self, process: FakeProcess, message: Message) -> None:
        number: int = message["params"]["arguments"]["number"]
        self.ran[number] += 1
        if number % 3:
            process.answers(message, {"content": [{"type": "text", "text": str(number)}]})

    async def _call(self, number: int) -> str:
        async with self._threads[number % 3].step() as step:
            return (await step.call("mcp__fake__echo", {"number": number})).for_model()

    def happens(self, what: str) -> None:
        """Let one thing happen, without waiting for it."""
        running = self.server.running
        match what:
            case "call":
                self.calls.append(asyncio.create_task(self._call(len(self.calls))))
            case "cancel" if self.calls:
                self.calls[-1].cancel()
            case "exit" if running:
                running[-1].exit(1)
            case "vanish" if running:
                running[-1].dies_silently(told_after=0.003)
            case "eof" if running:
                running[-1].closes_output()
            case "deaf":
                self.server.reads = False
            case "hear":
                self.server.reads_on()
            case "reload":
                self.world.threads.reload()
            case "reconnect":
                self.others.append(asyncio.create_task(self.world.pool.reconnect("fake")))
            case "apply":
                self._applied += 1
                self.world.configure("fake", tool_timeout=10.0 + self._applied % 2)
            case _:
                pass


async def live(happenings: list[tuple[str, float]]) -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(tool_timeout=10.0, startup_timeout=20.0)]) as world:
        history = History(world, server)
        for what, seconds in happenings:
            history.happens(what)
            await world.passes(seconds)
        server.reads_on()
        outcomes = await asyncio.gather(*history.calls, *history.others, return_exceptions=True)
        for number, outcome in enumerate(outcomes[: len(history.calls)]):
            assert isinstance(outcome, str | McpoolError | asyncio.CancelledError), repr(outcome)
            if isinstance(outcome, str):
                assert outcome == str(number), "an answer reached another caller"
                assert history.ran[number] == 1
        assert max(history.ran.values(), default=0) <= 1, "a call ran twice"
        await world.settles()
        assert len(server.running) <= 1, "more than one process"
        await world.thread().ready()  # a start that this history spoilt may still be under way
        assert await world.thread().ready() == {"fake": None}, "it did not heal"
        assert all(entry.backend.in_flight == 0 for entry in world.pool)


PAUSES = (0.0, 0.0005, 0.001, 0.002, 0.5, 3.0)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(PAUSES)), max_size=25))
def test_any_history(happenings: list[tuple[str, float]]) -> None:
    """Invariants 1, 6 and 7."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(live(happenings))


@pytest.mark.parametrize("what", HAPPENINGS)
def test_each_happening_alone(what: str) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(live([("call", 0.5), (what, 0.0), ("call", 0.5)]))
