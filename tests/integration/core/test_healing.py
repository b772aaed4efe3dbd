"""Real processes that die, hang or cannot stay up, and come back by themselves."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gatewaykit.waiting import until
from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from mcpool.host import Host
from support.mcpool_home import wait_gone
from support.real_servers import OpenHost, facts, lives, odd, servers


def row(host: Host) -> Any:
    (row,) = host.status()
    return row


async def test_a_killed_server_is_back_before_anybody_calls_it(open_host: OpenHost, tmp_path: Path) -> None:
    """H2, H3, H8"""
    host = await open_host(servers(odd=odd(tmp_path / "record")))
    thread = host.thread()
    first = await facts(thread)
    os.kill(first["pid"], signal.SIGKILL)
    await until(lambda: row(host)["state"] == "ready" and row(host)["pid"] != first["pid"])
    second = await facts(thread)
    assert second["pid"] == row(host)["pid"]
    assert not lives(first["pid"])


async def test_a_death_is_told_as_what_it_was_and_to_its_thread_once(open_host: OpenHost, tmp_path: Path) -> None:
    """H4, invariant 6"""
    host = await open_host(servers(odd=odd(tmp_path / "record")))
    thread = host.thread()
    await facts(thread)
    async with thread.step() as step:
        with pytest.raises(CallOutcomeUnknown, match="exited with status 7") as caught:
            await step.call("mcp__odd__die")
    assert (caught.value.method, caught.value.tool, caught.value.restarted) == ("tools/call", "die", True)
    async with thread.step() as step:
        assert step.lost_state == ("odd",)
    async with thread.step() as step:
        assert step.lost_state == ()


async def test_a_hung_server_is_replaced_without_a_call(open_host: OpenHost, tmp_path: Path, monkeypatch: Any) -> None:
    """H6: it is stopped, so that it neither answers nor ends when it is told to."""
    monkeypatch.setattr("mcpool.backend.heartbeat.CHECK_TIMEOUT", 0.2)
    host = await open_host(servers(odd=odd(tmp_path / "record", heartbeat_sec=0.2)))
    thread = host.thread()
    hung = await facts(thread)
    os.kill(hung["pid"], signal.SIGSTOP)
    await until(lambda: row(host)["state"] == "ready" and row(host)["pid"] not in (None, hung["pid"]))
    assert (await facts(thread))["pid"] != hung["pid"]
    assert not lives(hung["pid"])


async def test_a_server_that_cannot_stay_up_rests_until_somebody_reconnects_it(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """H9, invariant 9"""
    host = await open_host(servers(odd=odd(tmp_path / "record", restart_max=1, restart_window_sec=3600)))
    thread = host.thread()
    for _ in range(2):
        pid = (await facts(thread))["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
    await until(lambda: row(host)["state"] == "failed")
    async with thread.step() as step:
        with pytest.raises(ServerUnavailable, match=r"SIGKILL.*mcpool reconnect odd"):
            await step.call("mcp__odd__facts")
    await host.reconnect("odd")
    assert (await facts(thread))["pid"]


async def test_many_callers_share_one_restart(open_host: OpenHost, tmp_path: Path) -> None:
    """H4"""
    host = await open_host(servers(odd=odd(tmp_path / "record")))
    threads = [host.thread() for _ in range(64)]
    pid = (await facts(threads[0]))["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    answers = await asyncio.gather(*(facts(thread) for thread in threads))
    assert len({answer["pid"] for answer in answers}) == 1
    assert row(host)["restarts"] == 1
