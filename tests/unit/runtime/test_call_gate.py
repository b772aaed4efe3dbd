"""Which calls of a step run side by side."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.runtime.call_gate import ANSWERING, CallGate


class Runner:
    """Calls that go through one gate, and what happened in which order."""

    def __init__(self) -> None:
        self.gate = CallGate("t1")
        self.inside: list[str] = []
        self.ended: dict[str, asyncio.Event] = {}
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, *, alone: bool) -> None:
        self.ended[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, alone))
        await settle()

    async def _run(self, name: str, alone: bool) -> None:
        await self.gate.enter(alone=alone)
        self.inside.append(name)
        self.order.append(name)
        try:
            await self.ended[name].wait()
        finally:
            self.inside.remove(name)
            self.gate.leave(alone=alone)

    async def end(self, name: str) -> None:
        self.ended[name].set()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def runner() -> Runner:
    return Runner()


async def test_calls_that_only_read_run_side_by_side(runner: Runner) -> None:
    for name in "abc":
        await runner.begin(name, alone=False)
    assert runner.inside == ["a", "b", "c"]


async def test_others_run_one_after_the_other_in_order(runner: Runner) -> None:
    for name in "abc":
        await runner.begin(name, alone=True)
    for name in "abc":
        assert runner.inside == [name]
        await runner.end(name)
    assert runner.order == ["a", "b", "c"]


async def test_one_that_must_run_alone_waits_for_those_before_and_keeps_those_after(runner: Runner) -> None:
    for name, alone in (("r1", False), ("r2", False), ("w", True), ("r3", False)):
        await runner.begin(name, alone=alone)
    assert runner.inside == ["r1", "r2"]
    await runner.end("r1")
    assert runner.inside == ["r2"]
    await runner.end("r2")
    assert runner.inside == ["w"]
    await runner.end("w")
    assert runner.inside == ["r3"]


async def test_one_that_gives_up_waiting_keeps_nobody(runner: Runner) -> None:
    for name in ("w1", "w2"):
        await runner.begin(name, alone=True)
    await runner.begin("r", alone=False)
    runner.tasks["w2"].cancel()
    await runner.end("w1")
    assert runner.inside == ["r"]


async def test_one_that_is_cancelled_in_the_moment_of_its_turn_passes_it_on(runner: Runner) -> None:
    for name in ("w1", "w2", "w3"):
        await runner.begin(name, alone=True)
    runner.ended["w1"].set()
    asyncio.get_running_loop().call_soon(runner.tasks["w2"].cancel)  # after w1 left, before w2 goes on
    await settle()
    assert runner.inside == ["w3"]


async def test_what_is_called_to_answer_a_question_does_not_wait_for_the_call_that_asked(runner: Runner) -> None:
    token = ANSWERING.set("t1")
    try:
        assert runner.gate.bypassed
        assert not CallGate("t2").bypassed
    finally:
        ANSWERING.reset(token)
    assert not runner.gate.bypassed


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_whatever_ends_or_is_cancelled_nothing_runs_beside_what_must_run_alone(
    calls: list[bool], chance: random.Random
) -> None:
    async def history() -> None:
        runner = Runner()
        alone = {str(n): is_alone for n, is_alone in enumerate(calls)}
        for name, is_alone in alone.items():
            await runner.begin(name, alone=is_alone)
        while any(not task.done() for task in runner.tasks.values()):
            assert runner.inside, "somebody waits, and nobody runs"
            if any(alone[name] for name in runner.inside):
                assert len(runner.inside) == 1
            name = chance.choice([name for name, task in runner.tasks.items() if not task.done()])
            if chance.random() < 0.3:
                runner.tasks[name].cancel()
            elif name in runner.inside:
                runner.ended[name].set()
            if chance.random() < 0.7:
                await settle()
        assert repr(runner.gate) == "<CallGate [0 together, 0 waiting]>"

    asyncio.run(history())
