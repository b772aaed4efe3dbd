"""What it costs to find out that nothing changed, or what did: projections and steps. Prints JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import mcpool
from benchmarks.paths import ECHO
from mcpool.catalog.connector import Connector
from mcpool.catalog.contribution import Contribution, Owner, Source
from mcpool.catalog.projection import Projection, resolve
from mcpool.config.server import ServerConfig, Stdio

ENVIRONMENTS = 8


def contributions(servers: int) -> list[Contribution]:
    """Half of them on this machine, half in environments; of each tenth there is a definition that counts less."""
    found: list[Contribution] = []
    for n in range(servers):
        place = "local" if n % 2 else f"env{n % ENVIRONMENTS}"
        stdio = Stdio(f"/usr/bin/server{n}", ("--port", str(n)), env=(("TOKEN", f"value{n}"),))
        server = ServerConfig(f"server{n}", stdio, environment_id=place)
        if n % 10 == 0:
            found.append(Contribution(Owner(Source.PLUGIN, "kit"), replace(server, enabled=False)))
        found.append(Contribution(Owner(Source.USER), server))
    return found


def project(projections: int, servers: int) -> float:
    """Seconds for each of so many changes of what is there, resolved and compared with what it was before."""
    claims = contributions(servers)
    connectors = [Connector(f"app{n}", "kit") for n in range(20)]
    live = Projection()
    replaced = 0
    began = time.perf_counter()
    for n in range(projections):
        handles = {f"env{e}": 1 for e in range(ENVIRONMENTS) if (n >> e) & 1}
        candidate = resolve(claims, environments=handles, connectors=connectors).projection
        if candidate != live:
            live = candidate
            replaced += 1
    took = time.perf_counter() - began
    if replaced < projections // 2:
        msg = f"only {replaced} of {projections} changes were noticed"
        raise RuntimeError(msg)
    return took / projections


async def steps(servers: int, count: int, rounds: int) -> float:
    """Seconds of CPU for a step on which nothing changed: beginning it, looking at its tools, ending it."""
    entries = {
        f"bench{n}": {"command": ECHO[0], "args": list(ECHO[1:]), "env": {"NUMBER": str(n)}} for n in range(servers)
    }
    best = float("inf")
    with TemporaryDirectory() as home:
        async with mcpool.open({"mcp_servers": entries}, home=home) as host, host.thread() as thread:
            await thread.ready()
            async with thread.step() as step:
                shown = step.tools
            for _ in range(rounds):
                began = time.process_time()
                for _ in range(count):
                    async with thread.step() as step:
                        if step.tools is not shown:
                            raise RuntimeError("a step on which nothing changed shows other tools")
                best = min(best, (time.process_time() - began) / count)
    return best


def best_of(rounds: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(rounds))


def measure(rounds: int) -> dict[str, Any]:
    return {
        "projection": best_of(rounds, lambda: project(1000, 200)),
        "step": asyncio.run(steps(1, 2000, rounds)),
        "step_many": asyncio.run(steps(10, 2000, rounds)),
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
