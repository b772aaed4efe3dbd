"""Servers that misbehave: their own callers get a clear error, and nobody else notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import mcpool
from support.real_servers import DEMO, OpenHost, demo_pid, odd, recorded, servers

MEGABYTE = 1024 * 1024


async def failure(host: mcpool.Host, server: str = "odd") -> str:
    """What a thread is told that waits for this server, while another one works with the demo server."""
    async with host.thread() as thread, host.thread() as bystander:
        outcomes, pid = await asyncio.gather(thread.ready(), demo_pid(bystander))
        assert outcomes["demo"] is None
        assert pid
    assert isinstance(outcomes[server], mcpool.ServerUnavailable)
    return str(outcomes[server])


async def test_a_server_that_never_answers(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "r", "silent", startup_timeout_sec=3)))
    message = await failure(host)
    assert message.startswith("`odd`: no answer within 3 s to the handshake")
    assert "raise `startup_timeout_sec`" in message


async def test_a_server_that_exits_at_once(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "r", "exits")))
    message = await failure(host)
    assert message.startswith("`odd`: it ")
    assert "cannot find my database" in message
    assert "run its command by hand" in message


async def test_a_command_that_does_not_exist(open_host: OpenHost) -> None:
    host = await open_host(servers(demo=DEMO, odd={"command": "no-such-program-of-mine"}))
    message = await failure(host)
    assert message.startswith("`odd`: ")
    assert "no-such-program-of-mine" in message


async def test_a_folder_that_does_not_exist(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "r", cwd=str(tmp_path / "nowhere"))))
    assert "nowhere" in await failure(host)


async def test_a_server_that_floods_its_output(open_host: OpenHost, tmp_path: Path) -> None:
    settings = {"startup_timeout_sec": 3, "max_message_bytes": MEGABYTE}
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "r", "floods", **settings)))
    assert (await failure(host)).startswith("`odd`: no answer within 3 s to the handshake")


async def test_a_result_of_thirty_megabytes_arrives(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(odd=odd(tmp_path / "r")))
    thread = host.thread()
    await thread.ready()
    async with thread.step() as step:
        result = await step.call("mcp__odd__big", {"megabytes": 30})
    assert len(result.for_model()) == 30 * MEGABYTE


async def test_a_result_over_the_limit_fails_its_caller_alone(open_host: OpenHost, tmp_path: Path) -> None:
    record = tmp_path / "r"
    host = await open_host(servers(odd=odd(record, max_message_bytes=4 * MEGABYTE)))
    thread = host.thread()
    await thread.ready()
    async with thread.step() as step:
        big, small = await asyncio.gather(
            step.call("mcp__odd__big", {"megabytes": 30}), step.call("mcp__odd__facts"), return_exceptions=True
        )
    assert isinstance(big, mcpool.MessageTooLarge)
    assert "`odd`: the answer has 31," in str(big)
    assert "max_message_bytes" in str(big)
    assert isinstance(small, mcpool.ToolResult)
    assert recorded(record, "initialize") == 1


async def test_a_call_that_is_never_answered_times_out_alone(open_host: OpenHost, tmp_path: Path) -> None:
    record = tmp_path / "r"
    host = await open_host(servers(odd=odd(record)))
    thread = host.thread()
    await thread.ready()
    async with thread.step() as step:
        hung, fine = await asyncio.gather(
            step.call("mcp__odd__hang", timeout=0.2), step.call("mcp__odd__facts"), return_exceptions=True
        )
        assert isinstance(hung, mcpool.CallTimeout)
        assert isinstance(fine, mcpool.ToolResult)
        await step.call("mcp__odd__facts")
    assert recorded(record, "notifications/cancelled") == 1


async def test_a_thread_that_requires_a_broken_server_does_not_open(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "r", "exits", required=True)))
    with pytest.raises(mcpool.ServerUnavailable, match="cannot find my database"):
        async with host.thread():
            pytest.fail("it must not open")


async def test_a_host_that_closes_while_servers_start_ends_them(tmp_path: Path) -> None:
    record = tmp_path / "r"
    async with mcpool.open(servers(odd=odd(record, "silent")), home=tmp_path / "home") as host:
        waiting = asyncio.create_task(host.thread().ready())
        while not record.exists():  # noqa: ASYNC110 (the server writes it, in another process)
            await asyncio.sleep(0.01)
        (pid,) = [row["pid"] for row in host.status()]
    assert isinstance((await waiting)["odd"], mcpool.ServerUnavailable)
    assert pid is None
