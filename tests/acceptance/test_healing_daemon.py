"""The daemon is killed and started anew under clients of every kind, and none of them has to do anything (H6)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import tomlkit

from gatewaykit.http_client import HttpClient
from support.lasting import Lasting
from support.mcpool_home import McpoolHome, wait_gone
from support.ports import closed_port
from support.sdk_clients import by_shim, text


def start(mcpool: McpoolHome) -> None:
    """Start the daemon, unless one of the shims was faster."""
    done = mcpool.run("up", "--detach")
    assert done.returncode == 0, done.stderr


async def test_three_shims_and_three_sessions_go_on_over_the_next_daemon(
    mcpool: McpoolHome, lasting: Lasting, web: Lasting
) -> None:
    """Invariant 11: each next call succeeds, and each runs once."""
    web.serve()
    port = closed_port()
    entries = {"lasting": lasting.entry, "web": web.http_entry}
    mcpool.configure(tomlkit.dumps({"daemon": {"port": port}, "mcp_servers": entries}))
    start(mcpool)
    async with AsyncExitStack() as stack:
        shims = [await stack.enter_async_context(by_shim(mcpool, "lasting", mode)) for mode in ("legacy", "auto")]
        shims.append(await stack.enter_async_context(by_shim(mcpool, "web", "legacy")))
        sessions = [
            await stack.enter_async_context(HttpClient(port, f"/mcp/{server}", token=mcpool.token()))
            for server in ("lasting", "lasting", "web")
        ]
        for session in sessions:
            await session.initialize()

        async def everybody_calls(first: int) -> list[str]:
            of_shims = [client.call_tool("write", {"number": first + n}) for n, client in enumerate(shims)]
            of_sessions = [
                session.result("tools/call", {"name": "write", "arguments": {"number": first + 3 + n}})
                for n, session in enumerate(sessions)
            ]
            answers = [text(answer) for answer in await asyncio.gather(*of_shims)]
            return answers + [answer["content"][0]["text"] for answer in await asyncio.gather(*of_sessions)]

        for first in (0, 10, 20):
            assert await everybody_calls(first) == [str(first + n) for n in range(6)]
            old = lasting.pid
            mcpool.kill()
            wait_gone(old)
            start(mcpool)
        assert await everybody_calls(30) == [str(30 + n) for n in range(6)]
    numbers = [first + n for first in (0, 10, 20, 30) for n in range(6)]
    assert [lasting.ran(number) + web.ran(number) for number in numbers] == [1] * len(numbers)
