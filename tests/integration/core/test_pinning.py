"""A step keeps the process that it captured, whatever replaces it meanwhile: real processes (S2 to S4)."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import mcpool
from gatewaykit.waiting import until
from mcpool.host import Host
from mcpool.runtime.step import Step
from mcpool.threads.thread import Thread
from support.real_servers import OpenHost, facts, lives, odd, recorded, servers

WORK = "mcp__asking__work"


def asking(value: str) -> dict[str, Any]:
    """A server that is another one with another value; every call of it is to be approved."""
    return servers(
        asking={
            "command": sys.executable,
            "args": ["-I", str(Path(__file__).parents[2] / "support" / "asking_process.py")],
            "cwd": "/",
            "env": {"V": value},
            "default_tools_approval_mode": "prompt",
        }
    )


class Desk:
    """Approves and answers at once, but what is said to be kept."""

    def __init__(self, keeps: str) -> None:
        self._keeps = keeps
        self.keeping = asyncio.Event()
        self.done = asyncio.Event()

    async def approve(self, request: mcpool.ApprovalRequest) -> bool:
        if b'"kept"' in request.arguments:
            await self._kept("approval")
        return True

    async def answer(self, question: mcpool.Elicitation) -> mcpool.ElicitAnswer:
        await self._kept("question")
        return mcpool.ElicitAnswer("accept", {})

    async def _kept(self, what: str) -> None:
        if what == self._keeps:
            self.keeping.set()
            await self.done.wait()

    def thread(self, host: Host) -> Thread:
        return host.thread(on_approve=self.approve, on_elicit=self.answer)


async def pid_of(step: Step) -> int:
    return (await work(step, "pid"))["pid"]


async def work(step: Step, label: str, *script: Any) -> dict[str, Any]:
    return json.loads((await step.call(WORK, {"label": label, "script": script})).for_model())


async def taken_up(host: Host, count: int = 1) -> None:
    """The process works for so many calls."""
    await until(lambda: sum(row["in_flight"] for row in host.status()) >= count)


@pytest.mark.parametrize("blocked_in", ["nothing", "approval", "question", "tool"])
@pytest.mark.parametrize("how", ["apply", "reload"])
async def test_calls_reach_the_captured_process_which_ends_with_its_last_holder(
    open_host: OpenHost, tmp_path: Path, blocked_in: str, how: str
) -> None:
    """S2, S3, S4; P4. Two threads hold it; one has a call that is blocked when the other process takes its place."""
    host, desk, file = await open_host(asking("a")), Desk(blocked_in), tmp_path / "done"
    first, second = desk.thread(host), desk.thread(host)
    await asyncio.gather(first.ready(), second.ready())
    script = {"nothing": [], "approval": [], "question": ["ask"], "tool": [str(file)]}[blocked_in]

    held = second.capture()
    async with first.step() as step:
        old = await pid_of(step)
        blocked = asyncio.create_task(work(step, "kept", *script))
        if blocked_in == "nothing":
            await blocked
        elif blocked_in == "tool":
            await taken_up(host)
        else:
            await desk.keeping.wait()

        host.apply(asking("b")) if how == "apply" else host.reload()
        async with first.step() as later:
            new = await pid_of(later)
        olds = {old, await pid_of(held)}  # while somebody is asked, others have a process beside
        assert (new not in olds, len(olds)) == (True, 2 if blocked_in == "question" else 1)
        if blocked_in == "nothing":
            assert await pid_of(step) == old
    assert lives(old)
    assert blocked.done() == (blocked_in == "nothing")

    desk.done.set()
    file.touch()
    assert (await blocked)["pid"] == old
    async with second.step() as later:
        assert await pid_of(later) == new
    assert lives(old), "the other thread's step holds it"
    held.release()
    await until(lambda: not any(map(lives, olds)))
    assert lives(new)


async def test_a_call_that_is_aborted_lets_the_replaced_process_go(open_host: OpenHost, tmp_path: Path) -> None:
    """Scenario P6."""
    async with mcpool.open(asking("a"), home=tmp_path / "other", grace=10.0) as host:
        thread = Desk("nothing").thread(host)
        async with thread.step() as step:
            old = await pid_of(step)
            calling = asyncio.create_task(work(step, "long", 300))
            await taken_up(host)
        host.reload()
        async with thread.step() as step:
            new = await pid_of(step)
        assert lives(old)
        calling.cancel()
        await until(lambda: not lives(old))
        assert lives(new)
    assert not lives(new)


async def test_servers_of_one_name_are_each_threads_own(open_host: OpenHost, tmp_path: Path) -> None:
    """Scenario P7."""
    host = await open_host(servers())
    threads = [host.thread(config=servers(odd=odd(tmp_path / "record", env={"WHO": who}))) for who in "ab"]
    found = [await facts(threads[number]) for number in (0, 1, 0)]
    assert [fact["env"]["WHO"] for fact in found] == ["a", "b", "a"]
    assert found[0]["pid"] == found[2]["pid"] != found[1]["pid"]
    specs: list[object] = []
    for _ in range(2):
        async with threads[0].step() as step:
            specs.append(step.tools.openai())
    assert specs[0] is specs[1]


async def test_a_storm_of_changes_starts_no_more_than_the_first_and_the_last(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """Scenario R10. Invariant 3."""
    record = tmp_path / "record"

    def source(number: int) -> dict[str, Any]:
        return servers(odd=odd(record, start="eager", env={"N": str(number)}))

    host = await open_host(source(0))
    thread = host.thread()
    assert (await facts(thread))["env"]["N"] == "0"
    host.apply(source(1))
    await asyncio.sleep(0)  # it is being taken over when the others come
    for number in range(2, 101):
        host.apply(source(number))
    assert (await facts(thread))["env"]["N"] == "100"
    assert recorded(record, "initialize") <= 3
