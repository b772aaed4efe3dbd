"""mcpool's library as a user calls it: `step.call`, with policy, views and all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory

from benchmarks.caller import Caller
from benchmarks.paths import ECHO

TITLE = "mcpool step.call"


@asynccontextmanager
async def opened(heartbeat: float | None = None) -> AsyncGenerator[Caller]:
    import mcpool

    watched = {} if heartbeat is None else {"heartbeat_sec": heartbeat}
    parallel = {"supports_parallel_tool_calls": True}
    config = {"mcp_servers": {"bench": {"command": ECHO[0], "args": list(ECHO[1:]), **parallel, **watched}}}
    with TemporaryDirectory() as home:
        async with mcpool.open(config, home=home) as host, host.thread() as thread, thread.step() as step:

            async def echo(text: str) -> str:
                result = await step.call("mcp__bench__echo", {"text": text})
                return result.content[0]["text"]

            async def big(size: int) -> int:
                result = await step.call("mcp__bench__big", {"size": size})
                return len(result.content[0]["text"])

            yield Caller(echo, big)
