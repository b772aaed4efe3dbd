"""Drives one caller: so many calls, so many in flight, and what they cost this process."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

Call = Callable[[str], Awaitable[str]]
"""Calls the echo tool with a text and returns the text of its answer."""

CHECKED = "the quick brown fox"


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement. Times are seconds, `cpu` that of this process, per call."""

    in_flight: int
    calls: int
    per_second: float
    p50: float
    p99: float
    cpu: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def drive(call: Call, *, in_flight: int, seconds: float, most: int = 40_000) -> Point:
    """Call for about `seconds`, with `in_flight` calls at a time, after a warm-up that finds out how many that is."""
    rate = await _warm_up(call, in_flight)
    calls = max(in_flight * 10, min(most, int(rate * seconds)))
    latencies: list[float] = []
    remaining = iter(range(calls))

    async def worker() -> None:
        clock = time.perf_counter
        note = latencies.append
        for _ in remaining:
            began = clock()
            await call(CHECKED)
            note(clock() - began)

    gc.collect()
    cpu, began = own_cpu(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    wall, cpu = time.perf_counter() - began, own_cpu() - cpu
    latencies.sort()
    return Point(
        in_flight=in_flight,
        calls=calls,
        per_second=calls / wall,
        p50=latencies[calls // 2],
        p99=latencies[calls * 99 // 100],
        cpu=cpu / calls,
    )


async def _warm_up(call: Call, in_flight: int) -> float:
    batch = max(50, 2 * in_flight)
    began = time.perf_counter()
    done = 0
    while done < batch or (time.perf_counter() - began < 0.15 and done < 50 * batch):
        answers = await asyncio.gather(*(call(f"{CHECKED} {n}") for n in range(in_flight)))
        if answers != [f"{CHECKED} {n}" for n in range(in_flight)]:
            msg = f"wrong answers: {answers[:2]}"
            raise RuntimeError(msg)
        done += in_flight
    return done / (time.perf_counter() - began)
