"""Fresh processes are wanted (P4, H9): real ones, one of which holds a port that only one process can have."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gatewaykit.waiting import until
from mcpool.errors import ServerUnavailable
from mcpool.host import Host
from mcpool.threads.thread import Thread
from support import witness_server
from support.ports import closed_port
from support.real_servers import OpenHost, lives, servers


def witness(*arguments: object, **settings: Any) -> dict[str, Any]:
    """The server; see there."""
    return {"command": sys.executable, "args": ["-I", "-S", witness_server.__file__, *map(str, arguments)], **settings}


async def ask(thread: Thread, tool: str, **arguments: Any) -> Any:
    """A step with one call."""
    async with thread.step() as step:
        result = await step.call(f"mcp__witness__{tool}", arguments)
    return json.loads(result.for_model())


async def held(host: Host, thread: Thread, file: Path) -> asyncio.Task[Any]:
    """A call that has begun and ends when there is this file."""
    calling = asyncio.create_task(ask(thread, "say", mine=file.name, until=str(file)))
    await until(lambda: host.status()[0]["in_flight"] == 1)
    return calling


def starts(home: Path) -> int:
    """How often a process tried to have the port."""
    log = home / "logs" / "witness.log"
    return log.read_text().count("tried port")


async def gone(pid: int) -> None:
    await until(lambda: not lives(pid))


async def test_calls_in_flight_end_on_the_old_process_while_new_ones_go_to_the_new(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """P4"""
    host = await open_host(servers(witness=witness()))
    first, second = host.thread(), host.thread()
    old = await ask(first, "pid")
    calling = await held(host, first, tmp_path / "done")

    host.reload()
    new = {await ask(thread, "pid") for thread in (first, second)}
    assert len(new) == 1
    assert old not in new
    assert lives(old)
    assert not calling.done()

    (tmp_path / "done").touch()
    assert await calling == "done"
    await gone(old)


async def test_the_new_process_is_there_without_a_call(open_host: OpenHost) -> None:
    host = await open_host(servers(witness=witness()))
    thread = host.thread()
    old = await ask(thread, "pid")
    host.reload()
    await until(lambda: [row["state"] for row in host.status()] == ["ready"] and host.status()[0]["pid"] != old)
    await gone(old)


async def test_a_process_that_nobody_holds_ends_with_a_reload(open_host: OpenHost) -> None:
    host = await open_host(servers(witness=witness()))
    async with host.thread() as thread:
        old = await ask(thread, "pid")
    assert lives(old)
    host.reload()
    await gone(old)
    assert host.status()[0]["pid"] is None


@pytest.mark.parametrize("overlap", [True, False])
async def test_a_server_that_holds_a_port_is_replaced_when_its_calls_are_done(
    open_host: OpenHost, tmp_path: Path, overlap: bool
) -> None:
    """Where it may overlap it is tried beside the old one, which costs a start, and no call anything."""
    host = await open_host(servers(witness=witness(closed_port(), overlap=overlap, restart_max=0)))
    first, second = host.thread(), host.thread()
    old = await ask(first, "pid")
    calling = await held(host, first, tmp_path / "done")
    host.reload()
    new = asyncio.create_task(ask(second, "pid"))
    tried = 2 if overlap else 1
    await until(lambda: starts(tmp_path / "home") >= tried)
    assert not new.done()

    (tmp_path / "done").touch()
    assert await calling == "done"
    assert await new != old
    assert not lives(old)
    assert await ask(first, "pid") == await new
    await until(lambda: starts(tmp_path / "home") == tried + 1)  # its log is read beside its answers
    assert host.status()[0]["last_failure"] is None


async def test_a_step_that_holds_the_old_process_is_told_that_the_next_step_goes_on(open_host: OpenHost) -> None:
    host = await open_host(servers(witness=witness(closed_port(), overlap=False)))
    first, second = host.thread(), host.thread()
    async with first.step() as step:
        await step.call("mcp__witness__pid")
        host.reload()
        new = await ask(second, "pid")
        with pytest.raises(ServerUnavailable, match="next step"):
            await step.call("mcp__witness__pid")
    assert await ask(first, "pid") == new


@pytest.mark.parametrize("overlap", [True, False])
async def test_a_storm_of_reloads_of_a_server_that_holds_a_port_harms_no_call(
    open_host: OpenHost, overlap: bool
) -> None:
    host = await open_host(servers(witness=witness(closed_port(), overlap=overlap)))
    threads = [host.thread() for _ in range(4)]
    over = asyncio.Event()

    async def calls(number: int) -> int:
        done = 0
        while not over.is_set():
            mine = f"{number}/{done}"
            assert await ask(threads[number], "say", mine=mine, ms=5) == mine
            done += 1
        return done

    calling = [asyncio.create_task(calls(number)) for number in range(4)]
    seen = {await ask(threads[0], "pid")}
    for _ in range(5):
        host.reload()
        host.reload()
        seen.add(await ask(threads[0], "pid"))
    over.set()
    assert all(done > 0 for done in await asyncio.gather(*calling))
    assert len(seen) == 6
    assert [await ask(thread, "pid") in seen for thread in threads] == [True] * 4
    for pid in seen - {await ask(threads[0], "pid")}:
        await gone(pid)


async def test_a_reload_while_it_starts_is_no_failure(open_host: OpenHost) -> None:
    host = await open_host(servers(witness=witness(closed_port(), overlap=False, required=True)))
    thread = host.thread()
    ready = asyncio.create_task(thread.ready())
    await until(lambda: host.status()[0]["state"] == "connecting")
    host.reload()
    assert await ready == {"witness": None}
    await ask(thread, "pid")


async def test_another_definition_takes_the_port_over(open_host: OpenHost) -> None:
    port = closed_port()
    host = await open_host(servers(witness=witness(port)))
    thread = host.thread()
    old = await ask(thread, "pid")
    host.apply(servers(witness=witness(port, env={"LEVEL": "2"})))
    await thread.ready()
    assert await ask(thread, "pid") != old
    assert not lives(old)
