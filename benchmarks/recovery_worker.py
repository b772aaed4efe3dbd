"""Kills the server behind one client again and again, and times the next call that works. Prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.paths import ECHO
from benchmarks.processes import children, command_line

Call = Callable[[], Awaitable[Any]]
GIVES_UP = 2.0
"""Seconds after which a client that still fails is taken to fail for ever."""


@asynccontextmanager
async def mcpool() -> AsyncGenerator[Call]:
    import mcpool

    # One kill after the other would spend the budget of restarts, and then nobody may start it for a minute.
    entry = {"command": ECHO[0], "args": list(ECHO[1:]), "restart_max": 1000}
    config = {"mcp_servers": {"bench": entry}}
    with TemporaryDirectory() as home:
        async with mcpool.open(config, home=home) as host, host.thread() as thread:

            async def call() -> None:
                async with thread.step() as step:
                    await step.call("mcp__bench__echo", {"text": "x"})

            await thread.ready()
            yield call


@asynccontextmanager
async def mcp_sdk() -> AsyncGenerator[Call]:
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    parameters = StdioServerParameters(command=ECHO[0], args=list(ECHO[1:]))
    async with Client(stdio_client(parameters), mode="legacy") as client:
        yield lambda: client.call_tool("echo", {"text": "x"})


@asynccontextmanager
async def fastmcp_held() -> AsyncGenerator[Call]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    async with Client(StdioTransport(command=ECHO[0], args=list(ECHO[1:]))) as client:
        yield lambda: client.call_tool("echo", {"text": "x"})


@asynccontextmanager
async def fastmcp_per_call() -> AsyncGenerator[Call]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    client = Client(StdioTransport(command=ECHO[0], args=list(ECHO[1:])))

    async def call() -> None:
        async with client:
            await client.call_tool("echo", {"text": "x"})

    await call()
    yield call
    await client.close()


@asynccontextmanager
async def google_adk() -> AsyncGenerator[Call]:
    from google.adk.tools.mcp_tool.mcp_session_manager import (  # pyright: ignore
        MCPSessionManager,
        StdioConnectionParams,
    )
    from mcp import StdioServerParameters

    parameters = StdioServerParameters(command=ECHO[0], args=list(ECHO[1:]))
    manager: Any = MCPSessionManager(StdioConnectionParams(server_params=parameters, timeout=20))

    async def call() -> None:
        session = await manager.create_session()  # as its tools do before each call
        await session.call_tool("echo", {"text": "x"})

    await call()
    yield call
    await manager.close()


SUBJECTS = (mcpool, mcp_sdk, fastmcp_held, fastmcp_per_call, google_adk)


def server() -> int:
    """The process of the one server below this one."""
    (pid,) = [pid for pid in children(os.getpid()) if command_line(pid) == list(ECHO)]
    return pid


def kill(pid: int) -> None:
    """End it, and wait until the kernel has closed its pipes."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([handle], [], [], 10)
    os.close(handle)


async def recovered(call: Call) -> float | None:
    """Seconds from the death of the server to the end of the first call that works; None if none does."""
    kill(server())
    began = time.perf_counter()
    while time.perf_counter() - began < GIVES_UP:
        try:
            async with asyncio.timeout(GIVES_UP):
                await call()
        except Exception:
            await asyncio.sleep(0.01)
        else:
            return time.perf_counter() - began
    return None


async def measure(subject: str, kills: int) -> dict[str, Any]:
    opened = next(one for one in SUBJECTS if one.__name__ == subject)
    times: list[float] = []
    async with AsyncExitStack() as stack:
        call = await stack.enter_async_context(opened())
        await call()
        for _ in range(kills):
            took = await recovered(call)
            if took is None:
                print(json.dumps({"times": None}), flush=True)
                os._exit(0)  # what is left of it may not even close
            times.append(took)
            await call()
    return {"times": times}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(**json.loads(sys.argv[1])))))
