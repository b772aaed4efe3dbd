"""1, 10, 100, 1,000 threads on five servers in one program: processes, time to ready, memory. Prints JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

import mcpool
from benchmarks.paths import ECHO
from benchmarks.processes import children, command_line, pss_bytes

SERVERS = 5


async def ready(host: Any) -> tuple[Any, Any]:
    """One more thread, entered, with a step that knows the tools of every server."""
    thread = host.thread()
    await thread.__aenter__()
    step = await thread.step()
    found = [len(await step.tool_definitions(server)) for server in step.servers]
    if found != [2] * SERVERS:
        msg = f"a thread saw {found} tools"
        raise RuntimeError(msg)
    return thread, step


async def measure(counts: list[int]) -> dict[str, Any]:
    rows: list[dict[str, float]] = []
    servers = {
        f"bench{n}": {"command": ECHO[0], "args": list(ECHO[1:]), "env": {"NUMBER": str(n)}} for n in range(SERVERS)
    }
    with TemporaryDirectory() as home:
        async with mcpool.open({"mcp_servers": servers}, home=home) as host:
            began = time.perf_counter()
            first = await ready(host)
            first_seconds = time.perf_counter() - began
            for count in counts:
                gc.collect()
                before, began = pss_bytes(os.getpid()), time.perf_counter()
                more = await asyncio.gather(*(ready(host) for _ in range(count - 1)))
                took = time.perf_counter() - began
                gc.collect()
                grown = pss_bytes(os.getpid()) - before
                added = max(1, count - 1)
                rows.append(
                    {
                        "threads": count,
                        "processes": sum(command_line(pid) == list(ECHO) for pid in children(os.getpid())),
                        "ready": first_seconds if count == 1 else took / added,
                        "memory": 0 if count == 1 else grown / added,
                    }
                )
                for thread, step in more:
                    step.release()
                    await thread.close()
                more.clear()
            thread, step = first
            step.release()
            await thread.close()
    return {"rows": rows}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(**json.loads(sys.argv[1])))))
