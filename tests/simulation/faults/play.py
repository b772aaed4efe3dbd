"""Plays the history of a seed and holds it to the invariants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from simulation.faults.history import HEALED_WITHIN, History, Violated
from simulation.faults.invariants import LEEWAY, check_at_rest, check_now, check_unused
from simulation.faults.plan import Plan, plan
from support.virtual_time import VirtualTimeLoop


class Failed(Exception):
    """A history broke an invariant, or broke down; says how to replay it, and what happened in it."""

    def __init__(self, seed: int, trace: list[str], why: BaseException) -> None:
        story = "\n".join(trace)
        super().__init__(f"seed {seed}: {why!r}\n{story}\nreplay it: python -m tests.simulation.faults {seed}")
        self.seed = seed


@dataclass(frozen=True, slots=True)
class Played:
    """What a history that kept every invariant was made of."""

    events: int
    calls: int
    answered: int
    processes: int
    trace: tuple[str, ...]


def play(seed: int, *, shown: Callable[[str], None] | None = None) -> Played:
    """Play one seed, always the same way.

    Raises:
        Failed: an invariant was violated.
    """
    story = plan(seed)
    trace: list[str] = []
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(_live(story, trace))
    except Exception as error:
        raise Failed(seed, trace, _innermost(error)) from error
    finally:
        if shown is not None:
            for line in trace:
                shown(line)


async def _live(story: Plan, trace: list[str]) -> Played:
    history = History(story, trace)
    async with history.world as world:
        history.begin()
        for happening in story.happenings:
            history.happens(happening)
            await world.passes(happening.pause)
            check_now(history)
        history.note("the faults are over")
        history.faulty.mend()
        await history.rest()
        check_at_rest(history)
        await _heals(history)
        await history.close_threads()
        await world.passes(story.idle_timeout + LEEWAY)
        check_unused(history)
        check_at_rest(history)
    answered = sum(not call.task.cancelled() and call.task.exception() is None for call in history.calls)
    processes = len(history.faulty.processes) + len(history.calm.processes)
    return Played(len(story.happenings), len(history.calls), answered, processes, tuple(trace))


async def _heals(history: History) -> None:
    """Whatever was before: in every thread both servers can be used again, without anybody doing anything."""
    deadline = history.loop.time() + HEALED_WITHIN
    if history.plan.when_asking == "serialise":  # everybody waits for whoever is asked
        deadline += history.plan.answers_after * sum(call.deed.startswith("asks") for call in history.calls)
    for thread in list(history.threads):
        for server, tool in (("faulty", "write"), ("calm", "echo")):
            while True:
                call = history.make(server, tool, "answers", thread)
                await asyncio.wait([call.task])
                if call.task.exception() is None:
                    break
                if history.loop.time() > deadline:
                    raise Violated(f"it did not heal: {call.task.exception()!r}")
                await asyncio.sleep(5.0)
    await history.world.passes(1.0)  # for what was reloaded to close
    backends = [backend for entry in history.world.pool for backend in (entry.backend, *entry.lanes.overflow)]
    if len(history.faulty.running) > sum(backend.name == "faulty" and backend.running for backend in backends):
        raise Violated(f"invariant 1: {history.faulty.running} run at once for {backends}")


def _innermost(error: BaseException) -> BaseException:
    inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return _innermost(inner[0]) if len(inner) == 1 else error
