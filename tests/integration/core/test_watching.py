"""Edits of the configuration are taken over while a host runs (U5)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcpool.host import Host
from mcpool.host.watching import Applied
from support.real_servers import OpenHost, facts, odd, servers


@asynccontextmanager
async def watched(host: Host) -> AsyncGenerator[asyncio.Queue[Applied]]:
    """What edits did, as they are taken over."""
    applied: asyncio.Queue[Applied] = asyncio.Queue()
    watching = asyncio.create_task(host.watch(applied.put_nowait))
    try:
        yield applied
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def edited(file: Path, value: Any, applied: asyncio.Queue[Applied]) -> Applied:
    """Write the file, as often as it takes until the watch has begun, and return what that did."""
    text = value if isinstance(value, str) else json.dumps(value)
    while True:
        await asyncio.to_thread(file.write_text, text)
        try:
            async with asyncio.timeout(3.0):
                return await applied.get()
        except TimeoutError:
            continue


async def test_an_edit_of_a_view_keeps_the_process_and_says_so(open_host: OpenHost, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    entry = odd(tmp_path / "record", cwd="/")
    file.write_text(json.dumps(servers(odd=entry)))
    host = await open_host(file)
    thread = host.thread()
    pid = (await facts(thread))["pid"]
    async with watched(host) as applied:
        done = await edited(file, servers(odd={**entry, "disabled_tools": ["big"]}), applied)
    assert (done.edit.view_changed, done.problems) == (("odd",), ())
    assert (await facts(thread))["pid"] == pid
    async with thread.step() as step:
        assert "mcp__odd__big" not in step.tools


async def test_a_broken_edit_is_told_and_changes_nothing(open_host: OpenHost, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    entry = odd(tmp_path / "record", cwd="/")
    file.write_text(json.dumps(servers(odd=entry)))
    host = await open_host(file)
    thread = host.thread()
    pid = (await facts(thread))["pid"]
    async with watched(host) as applied:
        whole = await edited(file, "{ this is no JSON", applied)
        one = await edited(file, servers(odd={**entry, "args": 7}, other=entry), applied)
    assert whole.edit.nothing
    assert "not valid JSON" in str(whole.problems[0])
    assert (one.edit.kept, one.edit.started) == (("odd",), ("other",))
    assert any("args" in problem.key for problem in one.problems)
    assert (await facts(thread))["pid"] == pid


async def test_an_edited_definition_is_another_process_from_the_next_step_on(
    open_host: OpenHost, tmp_path: Path
) -> None:
    file = tmp_path / "mcp.json"
    entry = odd(tmp_path / "record", cwd="/", env={"WHO": "old"})
    file.write_text(json.dumps(servers(odd=entry)))
    host = await open_host(file)
    thread = host.thread()
    await facts(thread)
    async with watched(host) as applied, thread.step() as running:
        done = await edited(file, servers(odd={**entry, "env": {"WHO": "new"}}), applied)
        old = await running.call("mcp__odd__facts")
    assert done.edit.replaced == ("odd",)
    assert json.loads(old.for_model())["env"]["WHO"] == "old"
    assert (await facts(thread))["env"]["WHO"] == "new"


async def test_an_edit_that_somebody_applied_by_hand_is_told_all_the_same(open_host: OpenHost, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    entry = odd(tmp_path / "record", cwd="/")
    file.write_text(json.dumps(servers(odd=entry)))
    host = await open_host(file)
    async with watched(host) as applied:
        await edited(file, servers(odd={**entry, "disabled_tools": ["big"]}), applied)
        file.write_text(json.dumps(servers(odd=entry, other=entry)))
        host.apply()
        done = await applied.get()
    assert (done.edit.started, done.edit.view_changed) == (("other",), ("odd",))
