"""Which calls of one step run at the same time: by the server's live annotations, or the configuration."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpool.backend.holder import Question
from mcpool.backend.tools import Annotations
from mcpool.errors import ToolChanged
from mcpool.runtime.step import Step
from mcpool.threads.thread import Thread
from support.fake_server import FakeProcess, FakeServer, Message, tool
from support.world import Ear, World, config

READS = {"annotations": {"readOnlyHint": True}}


def takes(seconds: float) -> dict[str, Any]:
    """A server each of whose calls takes so long."""

    def work(process: FakeProcess, message: Message) -> None:
        result: Message = {"content": []}
        asyncio.get_running_loop().call_later(seconds, process.answers, message, result)

    return {"acts": {"tools/call": work}}


async def seconds_for(world: World, thread: Thread, *names: str) -> float:
    """How long a step takes for calls that the model asks for at once."""
    async with thread.step() as step:
        begun = world.loop.time()
        await asyncio.gather(*(step.call(name) for name in names))
        return world.loop.time() - begun


async def test_calls_run_one_after_the_other_where_nobody_says_that_they_need_not() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server) as world:
        assert await seconds_for(world, world.thread(), *["mcp__fake__echo"] * 3) == pytest.approx(3.0, abs=0.1)


async def test_calls_of_tools_that_only_read_run_side_by_side() -> None:
    server = FakeServer("fake", tools=[tool("echo", **READS)], **takes(1.0))
    async with World(server) as world:
        assert await seconds_for(world, world.thread(), *["mcp__fake__echo"] * 3) == pytest.approx(1.0, abs=0.1)


async def test_so_do_those_of_a_server_that_is_configured_so() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server, configs=[config(supports_parallel_tool_calls=True)]) as world:
        assert await seconds_for(world, world.thread(), *["mcp__fake__echo"] * 3) == pytest.approx(1.0, abs=0.1)


async def test_one_that_writes_waits_for_those_that_read_also_on_other_servers() -> None:
    reads = FakeServer("reads", tools=[tool("echo", **READS)], **takes(1.0))
    async with World(reads, FakeServer("writes", **takes(1.0))) as world:
        names = ["mcp__reads__echo", "mcp__reads__echo", "mcp__writes__echo"]
        assert await seconds_for(world, world.thread(), *names) == pytest.approx(2.0, abs=0.1)


async def test_the_calls_of_two_threads_do_not_wait_for_each_other() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server) as world:
        begun = world.loop.time()
        await asyncio.gather(*(seconds_for(world, world.thread(), "mcp__fake__echo") for _ in range(5)))
        assert world.loop.time() - begun < 1.5


async def test_the_clock_of_a_call_starts_when_it_is_its_turn() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server, configs=[config(tool_timeout=1.5)]) as world:
        assert await seconds_for(world, world.thread(), *["mcp__fake__echo"] * 4) == pytest.approx(4.0, abs=0.1)


async def test_it_is_the_live_annotation_that_counts() -> None:
    """A list that said so before is another tool by now."""
    server = FakeServer("fake", tools=[tool("echo", **READS)], **takes(1.0))
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.tools = [tool("echo")]
        server.process.exit(1)
        async with thread.step() as step:
            assert step.tools["mcp__fake__echo"].annotations == Annotations(read_only_hint=True)
            with pytest.raises(ToolChanged):
                await step.call("mcp__fake__echo")
        assert await seconds_for(world, thread, *["mcp__fake__echo"] * 2) == pytest.approx(2.0, abs=0.1)


async def test_a_changed_flag_counts_from_the_next_step_and_restarts_nothing() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server) as world:
        thread = world.thread()
        async with thread.step() as step:
            world.configure("fake", supports_parallel_tool_calls=True)
            await thread.refresh()
            begun = world.loop.time()
            await asyncio.gather(*(step.call("mcp__fake__echo") for _ in range(2)))
            assert world.loop.time() - begun == pytest.approx(2.0, abs=0.1)
        assert await seconds_for(world, thread, *["mcp__fake__echo"] * 2) == pytest.approx(1.0, abs=0.1)
    assert len(server.processes) == 1


async def test_faces_that_speak_mcp_decide_for_themselves() -> None:
    server = FakeServer("fake", **takes(1.0))
    async with World(server) as world, world.thread().step() as step:
        begun = world.loop.time()
        await asyncio.gather(*(step.relay("fake", "tools/call", {"name": b'"echo"'}) for _ in range(3)))
        assert world.loop.time() - begun == pytest.approx(1.0, abs=0.1)


async def test_a_call_that_is_made_to_answer_a_question_does_not_wait_for_the_call_that_asked() -> None:
    def asks(process: FakeProcess, message: Message) -> None:
        process.asks("elicitation/create", {"message": "?"})
        takes(10.0)["acts"]["tools/call"](process, message)

    class Curious(Ear):
        """Looks something up before it answers."""

        step: Step
        looked_up = 0.0

        async def on_question(self, question: Question) -> bytes:
            await self.step.call("mcp__fake__echo")
            self.looked_up = world.loop.time()
            return await super().on_question(question)

    ear = Curious()
    server = FakeServer("fake", tools=[tool("echo"), tool("ask")], acts={"tools/call ask": asks})
    async with World(server) as world, world.thread(ear).step() as ear.step:
        await ear.step.call("mcp__fake__ask")
    assert 0.0 < ear.looked_up < 1.0
