"""What has to hold with every framework. Its own file imports these, and has a fixture `run`: one run of its agent."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from loopback_model import Asked, LoopbackModel

import mcpool
from mcpool.testing import END, Crash, FakeServer, Hang

Run = Callable[[str], Awaitable[str]]
"""Runs the one agent object on a prompt, and returns what it says in the end."""

ECHO = "mcp__fake__echo"
RUNS = 20


def prompt(*steps: Any) -> str:
    """What makes the model take these steps: each a list of calls, or the arguments of one call of `echo`."""
    return json.dumps([[[ECHO, step]] if isinstance(step, dict) else step for step in steps])


def results(answer: str) -> list[Any]:
    """What the tools returned, from what the model says in the end."""
    return [json.loads(result) for result in json.loads(answer)]


async def test_a_run_calls_what_it_was_shown(run: Run, model: LoopbackModel, server: FakeServer):
    server.tool("more", description="one more", schema={"type": "object", "properties": {"x": {"type": "integer"}}})
    answer = await run(prompt({"n": 1}, [["mcp__fake__more", {"x": 2}]]))
    assert results(answer) == [{"n": 1}, {"x": 2}]
    shown = model.asked[0].tools
    assert set(shown) == {ECHO, "mcp__fake__more"}
    assert shown["mcp__fake__more"]["description"] == "one more"
    assert shown["mcp__fake__more"]["parameters"]["properties"]["x"]["type"] == "integer"


async def test_a_step_may_make_several_calls(run: Run, server: FakeServer):
    answer = await run(prompt([[ECHO, {"n": 1}], [ECHO, {"n": 2}]], {"n": 3}))
    assert sorted(result["n"] for result in results(answer)) == [1, 2, 3]
    assert sorted(call.arguments["n"] for call in server.calls()) == [1, 2, 3]


async def test_twenty_runs_at_once_of_one_agent_are_one_process(run: Run, server: FakeServer):
    answers = await asyncio.gather(*(run(prompt({"run": number}, {"again": number})) for number in range(RUNS)))
    assert [results(answer) for answer in answers] == [[{"run": n}, {"again": n}] for n in range(RUNS)]
    assert server.starts == 1


async def test_a_reload_between_listing_and_calling_is_seen_by_the_next_step(
    run: Run, model: LoopbackModel, server: FakeServer, host: mcpool.Host
):
    """The call goes to the old process, and that of the next step to the new one, for all runs of one agent."""
    listed = asyncio.Barrier(RUNS)

    async def reload(asked: Asked) -> None:
        if asked.done == 0 and await listed.wait() == 0:
            host.reload()
            await host.settled()
        if asked.done == 0:
            await listed.wait()

    model.hook = reload
    await asyncio.gather(*(run(prompt({"first": number}, {"second": number})) for number in range(RUNS)))
    first = {call.pid for call in server.calls() if "first" in call.arguments}
    second = {call.pid for call in server.calls() if "second" in call.arguments}
    assert len(server.calls()) == 2 * RUNS
    assert (len(first), len(second), server.starts) == (1, 1, 2)
    assert first != second


async def test_the_server_killed_between_two_steps_does_not_fail_the_run(
    run: Run, model: LoopbackModel, server: FakeServer
):
    async def see_it_end(asked: Asked) -> None:
        if asked.done == 1:
            await server.arrival(END)

    server.will("echo", Crash(answered=True))
    model.hook = see_it_end
    answer = await run(prompt({"n": 1}, {"n": 2}))
    assert results(answer) == [{"n": 1}, {"n": 2}]
    assert server.starts == 2


async def test_the_server_killed_before_a_call_does_not_fail_the_run(
    run: Run, model: LoopbackModel, server: FakeServer
):
    async def kill(asked: Asked) -> None:
        if asked.done == 1:
            await asyncio.to_thread(server.kill)

    model.hook = kill
    assert results(await run(prompt({"n": 1}, {"n": 2}))) == [{"n": 1}, {"n": 2}]
    assert server.starts == 2


async def test_a_call_that_may_have_run_is_told_to_the_model_and_not_repeated(run: Run, server: FakeServer):
    server.will("echo", Crash())
    (said,) = json.loads(await run(prompt({"n": 1})))
    assert "may or may not have run" in said
    assert len(server.calls()) == 1


async def test_a_cancelled_run_cancels_its_call(run: Run, server: FakeServer):
    server.will("echo", Hang())
    running = asyncio.ensure_future(run(prompt({"n": 1})))
    await server.arrival("tools/call")
    running.cancel()
    await server.arrival("notifications/cancelled")
    await asyncio.wait([running])
    assert running.cancelled()


async def test_a_run_that_is_over_holds_no_thread_and_no_step(run: Run, host: mcpool.Host):
    await run(prompt({"n": 1}))
    gc.collect()  # some frameworks leave what belonged to a run in cycles
    await asyncio.sleep(0.001)  # and whoever is told of that by another thread is so a turn of the loop later
    assert list(host.threads) == []


async def run_example(name: str, model: LoopbackModel) -> str:
    """What a program of the documents prints, with the model on loopback in place of OpenAI's."""
    program = Path(__file__).parents[3] / "docs" / "examples" / name
    openai = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    running = await asyncio.create_subprocess_exec(
        sys.executable, program, env={**os.environ, **openai}, stdout=subprocess.PIPE
    )
    printed, _ = await running.communicate()
    assert running.returncode == 0
    return printed.decode()
