"""One library subject in a process of its own: prints what it measured as JSON."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from typing import Any

from benchmarks.driving import drive, own_cpu


async def measure(subject: str, in_flight: list[int], seconds: float, big: int, **settings: object) -> dict[str, Any]:
    """`settings` are for the subject to understand."""
    module = importlib.import_module(f"benchmarks.subjects.{subject}")
    async with module.opened(**settings) as caller:
        if big:
            began, cpu = time.perf_counter(), own_cpu()
            got = await caller.big(big)
            if got != big:
                msg = f"asked for {big} bytes and got {got}"
                raise RuntimeError(msg)
            return {"big": {"seconds": time.perf_counter() - began, "cpu": own_cpu() - cpu}}
        return {"points": [(await drive(caller.echo, in_flight=n, seconds=seconds)).as_dict() for n in in_flight]}


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(measure(**wanted))))
