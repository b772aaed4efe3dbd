"""Servers that start with the first call, since their tools are known: for root threads and for sub-agents.

Scenario L1 lets root threads start at once, and sub-agents alone later. Here nobody starts what is known before it is
called, and what counts is who shares a process: each thread has one of its own where the scope is `thread`, and a
sub-agent has that of its root where it is `session-tree` or `shared`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.threads.thread import Thread
from support.fake_server import FakeProcess, FakeServer, Message, tool
from support.world import World, call, config

ECHO, QUICK = "mcp__fake__echo", "mcp__quick__echo"


def own(**settings: Any) -> list[Any]:
    """A server with a process for each thread."""
    return [config(scope="thread", **settings)]


async def shown(thread: Thread) -> list[str]:
    """The tools of its next step."""
    async with thread.step() as step:
        return list(step.tools)


def version(number: int) -> list[Message]:
    """What a process lists."""
    return [tool("echo"), tool(f"v{number}")]


async def test_a_sub_agent_shows_what_is_known_and_starts_a_process_with_its_first_call() -> None:
    """Scenario L1. It shows what was listed last, starts nothing until it calls, and then shows what its own lists."""
    server = FakeServer("fake", tools=version(1))
    async with World(server, configs=own()) as world:
        root = world.thread()
        assert await shown(root) == [ECHO, "mcp__fake__v1"]
        server.tools = version(2)
        second = world.thread()
        await call(second)
        assert len(server.processes) == 2
        agent = world.thread(parent=root)
        for _ in range(2):  # turns that do not use it
            assert await shown(agent) == [ECHO, "mcp__fake__v2"]
            await world.passes(100.0)
        assert len(server.processes) == 2
        server.tools = version(3)
        await call(agent)
        assert await shown(agent) == [ECHO, "mcp__fake__v3"]
        assert (await shown(second), len(server.processes)) == ([ECHO, "mcp__fake__v2"], 3)


@pytest.mark.parametrize("scope", ["session-tree", "shared"])
async def test_where_the_scope_allows_it_a_sub_agent_uses_the_process_of_its_root(scope: str) -> None:
    """Scenario L1. No process is started for it at all."""
    server = FakeServer("fake")
    async with World(server, configs=[config(scope=scope)]) as world:
        root = world.thread()
        assert (await call(root))["pid"] == (await call(world.thread(parent=root)))["pid"]
        assert len(server.processes) == 1


async def test_a_root_whose_tools_are_known_starts_at_once_only_if_its_server_is_to() -> None:
    """Scenario L1. `start = "eager"` is what every root thread has there."""
    for start, processes in (("lazy", 1), ("eager", 2)):
        server = FakeServer("fake")
        async with World(server, configs=own(start=start)) as world:
            await call(world.thread())
            await world.thread().refresh()
            await world.passes(1.0)
            assert len(server.processes) == processes


async def test_a_start_is_told_when_it_begins_and_not_before() -> None:
    """Scenario L1. As states of the backend, which every face shows: idle, starting, ready."""
    server = FakeServer("fake")
    async with World(server, configs=own()) as world:
        root = world.thread()
        await call(root)
        agent = world.thread(parent=root)
        server.slow_start = 5.0
        async with agent.step() as step:
            backend = step.bindings["fake"].lease.backend
            assert backend.state is State.IDLE
            calling = asyncio.create_task(step.call(ECHO))
            await world.passes(1.0)
            assert backend.state is State.CONNECTING
            await calling
            assert backend.state is State.READY


async def test_another_tool_of_the_same_batch_is_done_while_the_server_still_starts() -> None:
    """Scenario L1. Neither waits for the other's turn: they enter the gate when their servers run."""
    slow, quick = FakeServer("fake"), FakeServer("quick")
    async with World(slow, quick, configs=[*own(), config("quick")]) as world:
        root = world.thread()
        await root.ready()
        agent = world.thread(parent=root)
        slow.slow_start = 5.0
        async with agent.step() as step:
            began = world.loop.time()
            starting = asyncio.create_task(step.call(ECHO))
            await world.settles()
            await step.call(QUICK)
            assert world.loop.time() - began < 1.0
            assert not starting.done()
            assert json.loads((await starting).for_model())["pid"] == slow.process.pid


async def test_a_turn_that_is_interrupted_while_the_server_starts_leaves_it_for_the_next() -> None:
    """Scenario L1. The call is cancelled, is never sent, and the start goes on."""
    server = FakeServer("fake")
    async with World(server, configs=own()) as world:
        root = world.thread()
        await call(root)
        agent = world.thread(parent=root)
        server.slow_start = 5.0
        async with agent.step() as step:
            calling = asyncio.create_task(step.call(ECHO))
            await world.passes(1.0)
            agent.interrupt()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
        assert (await call(agent))["pid"] == server.process.pid
        assert (len(server.processes), len(server.got("tools/call"))) == (2, 2)


async def test_a_sub_agent_that_may_see_none_of_the_known_tools_starts_nothing() -> None:
    """Scenario L1. There it starts at once; here nothing could be gained by it: a new tool counts by its name, too."""
    server = FakeServer("fake")
    async with World(server, configs=own()) as world:
        root = world.thread()
        await call(root)
        world.configure("fake", enabled_tools=("another",))
        agent = world.thread(parent=root)
        assert await shown(agent) == []
        await world.passes(10.0)
        assert len(server.processes) == 1


@pytest.mark.parametrize("required", [False, True])
async def test_a_required_server_is_started_for_each_thread_and_an_optional_one_with_its_first_call(
    required: bool,
) -> None:
    """Scenario L2. How often it is initialised: once for the root, and for a sub-agent when it calls, or is required.

    There a required server that is known is not started either; here `required` means that it runs.
    """
    server = FakeServer("fake")
    async with World(server, configs=own(required=required)) as world:
        root = world.thread()
        await call(root)
        agent = world.thread(parent=root)
        await shown(agent)
        assert len(server.got("initialize")) == (2 if required else 1)
        await call(agent)
        assert len(server.got("initialize")) == 2


async def test_what_is_remembered_of_a_tool_neither_lets_calls_run_side_by_side_nor_sends_them_again() -> None:
    """Scenario L4. The remembered list says that it only reads; the live one does not, and decides."""
    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
    async with World(server, configs=own()) as world:
        await call(world.thread())
        server.tools = [tool("echo")]
        sent: list[FakeProcess] = []
        server.acts["tools/call"] = lambda process, message: sent.append(process)
        later = world.thread()
        async with later.step() as step:
            assert step.tools[ECHO].annotations.read_only_hint is True
            found = await asyncio.gather(step.call(ECHO), step.call(ECHO), return_exceptions=True)
        assert [type(error).__name__ for error in found] == ["ToolChanged", "ToolChanged"]
        assert sent == []
        async with later.step() as step:
            calls = [asyncio.create_task(step.call(ECHO)) for _ in range(2)]
            await world.passes(1.0)
            assert len(sent) == 1, "one after the other"
            server.process.exit(1)
            await asyncio.wait(calls, timeout=1.0)
            assert type(calls[0].exception()).__name__ == "CallOutcomeUnknown"
            calls[1].cancel()
            await asyncio.wait(calls)
