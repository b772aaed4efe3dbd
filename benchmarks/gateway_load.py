"""Load on one gateway: N clients, each with its own session and one call in flight."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

from benchmarks.driving import Point
from benchmarks.gateways import Running
from benchmarks.http_client import Session
from benchmarks.paths import ECHO
from benchmarks.processes import children, command_line, cpu_seconds, pss_bytes

READY_SECONDS = 60.0


async def first_session(running: Running) -> tuple[Session, str]:
    """Wait until a client is served, and return it with the name under which it sees the echo tool.

    Raises:
        TimeoutError: none was within a minute.
        RuntimeError: the gateway exited.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        session: Session | None = None
        try:
            session = running.session()
            await asyncio.wait_for(session.open(), 10)
            tools = (await asyncio.wait_for(session.request("tools/list", {}), 10))["tools"]
            return session, next(tool["name"] for tool in tools if tool["name"].endswith("echo"))
        except Exception as exc:
            if session is not None:
                session.close()
            if running.process.poll() is not None:
                msg = f"the gateway exited with {running.process.returncode}"
                raise RuntimeError(msg) from exc
            if time.monotonic() > deadline:
                msg = f"no client was served within {READY_SECONDS:.0f} s: {exc!r}"
                raise TimeoutError(msg) from exc
            await asyncio.sleep(0.02)


def own_processes(running: Running) -> list[int]:
    """The gateway's processes without the servers behind it."""
    pid = running.process.pid
    return [pid, *(child for child in children(pid) if command_line(child) != list(ECHO))]


def servers(running: Running) -> int:
    """How many processes of the server run behind the gateway."""
    return sum(command_line(pid) == list(ECHO) for pid in children(running.process.pid))


async def load(running: Running, clients: int, seconds: float) -> Point:
    """Call for about `seconds` with so many clients. `cpu` is that of the gateway's processes, per call."""
    first, tool = await first_session(running)
    sessions = [first]
    for _ in range(clients - 1):
        session = running.session()
        await session.open()
        sessions.append(session)
    latencies: list[float] = []
    wrong = 0
    clock = time.perf_counter

    async def client(number: int, session: Session, until: float, notes: list[float] | None) -> int:
        nonlocal wrong
        calls = 0
        while clock() < until:
            text = f"{number}-{calls}"
            began = clock()
            result = await session.request("tools/call", {"name": tool, "arguments": {"text": text}})
            if notes is not None:
                notes.append(clock() - began)
            wrong += result["content"][0]["text"] != text
            calls += 1
        return calls

    async def everybody(for_seconds: float, notes: list[float] | None) -> int:
        until = clock() + for_seconds
        tasks = (client(number, session, until, notes) for number, session in enumerate(sessions))
        return sum(await asyncio.wait_for(asyncio.gather(*tasks), for_seconds + 60))

    await everybody(min(0.3, seconds / 2), None)
    gc.collect()
    pids = own_processes(running)
    cpu, began = sum(map(cpu_seconds, pids)), clock()
    calls = await everybody(seconds, latencies)
    wall, cpu = clock() - began, sum(map(cpu_seconds, pids)) - cpu
    for session in sessions:
        session.close()
    if wrong:
        msg = f"{wrong} of {calls} answers were wrong"
        raise RuntimeError(msg)
    latencies.sort()
    return Point(
        in_flight=clients,
        calls=calls,
        per_second=calls / wall,
        p50=latencies[len(latencies) // 2],
        p99=latencies[len(latencies) * 99 // 100],
        cpu=cpu / calls,
    )


def facts(running: Running) -> dict[str, Any]:
    """What it takes while it is loaded."""
    return {"pss": sum(map(pss_bytes, own_processes(running))), "servers": servers(running)}
