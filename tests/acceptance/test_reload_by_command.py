"""`mcpool reload`, `apply` and `reconnect` under clients at work: what each does to whose processes (P4, H9)."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatewaykit.waiting import until
from support import witness_server
from support.mcpool_home import McpoolHome
from support.ports import closed_port
from support.real_servers import lives
from support.sdk_clients import Door, text

if TYPE_CHECKING:
    from mcp import Client

DOORS = [Door("url", "legacy"), Door("url", "2026-07-28"), Door("shim", "legacy")]


@pytest.fixture
def daemon(mcpool: McpoolHome) -> McpoolHome:
    """A daemon with the witness, twice: a plain one, and one of which there can be only one at a time."""
    args = ["-I", "-S", witness_server.__file__]
    plain: dict[str, Any] = {"command": sys.executable, "args": args, "cwd": "/"}
    mcpool.configure_servers(plain=plain, alone={**plain, "args": [*args, str(closed_port())], "overlap": False})
    mcpool.up().ready()
    return mcpool


async def pid(client: Client) -> int:
    return int(text(await client.call_tool("pid")))


async def command(daemon: McpoolHome, *arguments: str) -> str:
    done = await asyncio.to_thread(daemon.run, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("server", ["plain", "alone"])
async def test_a_reload_moves_every_client_to_one_fresh_process_and_loses_no_call(
    daemon: McpoolHome, tmp_path: Path, server: str
) -> None:
    """P4"""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(door.client(daemon, server)) for door in DOORS]
        (old,) = {await pid(client) for client in clients}
        done = tmp_path / "done"
        calls = [
            asyncio.create_task(client.call_tool("say", {"mine": str(number), "until": str(done)}))
            for number, client in enumerate(clients)
        ]

        async def all_are_in_flight() -> bool:
            rows = (await asyncio.to_thread(daemon.status))["servers"]
            return sum(row["in_flight"] for row in rows if row["name"] == server) == len(clients)

        await until(all_are_in_flight)
        await command(daemon, "reload")
        fresh = [asyncio.create_task(pid(client)) for client in clients]
        if server == "plain":
            assert old not in await asyncio.gather(*fresh)
            assert lives(old)
        assert not any(call.done() for call in calls)

        done.touch()
        assert [json.loads(text(await call)) for call in calls] == ["0", "1", "2"]
        (new,) = set(await asyncio.gather(*fresh))
        assert new != old
        await until(lambda: not lives(old))
        rows = (await asyncio.to_thread(daemon.status))["servers"]
        assert [(row["pid"], row["last_failure"]) for row in rows if row["name"] == server] == [(new, None)]


async def test_an_apply_keeps_what_is_equal_and_a_reconnect_replaces_one_server_alone(daemon: McpoolHome) -> None:
    """H9"""
    async with AsyncExitStack() as stack:
        plain, alone = [
            await stack.enter_async_context(Door("shim", "legacy").client(daemon, server))
            for server in ("plain", "alone")
        ]
        before = await pid(plain), await pid(alone)
        await command(daemon, "apply")
        assert (await pid(plain), await pid(alone)) == before

        told = await command(daemon, "reconnect", "alone")
        assert str(before[1]) in told
        assert await pid(plain) == before[0]
        assert await pid(alone) != before[1]
        assert not lives(before[1])
