"""A prepared call keeps what it was prepared with, through approval and execution."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from mcpool.errors import ApprovalDenied, CallTimeout, Closed, ServerUnavailable, ToolChanged, ToolNotFound
from mcpool.runtime.approval import Authority
from mcpool.runtime.approval_request import ApprovalRequest
from support.fake_server import FakeServer, nothing, tool
from support.world import World, call, config

ECHO = "mcp__fake__echo"


def changes(server: FakeServer, **more: Any) -> None:
    """Let it tell that its tool is another one now."""
    server.tools = [tool("echo", **more)]
    server.process.says({"method": "notifications/tools/list_changed"})


async def test_it_calls_the_server_that_it_was_prepared_for_whatever_is_published_meanwhile() -> None:
    """Scenario P1. S2, S3: connection, policy and mode are A's; what is prepared after B was published has B's."""
    server = FakeServer("fake")
    old = config(env=(("V", "a"),), default_tools_approval_mode="prompt")
    async with World(server, configs=[old]) as world:
        thread = world.thread(authority=Authority("full-access"))
        async with thread.step() as step:
            prepared = step.prepare(ECHO, {"n": 1})
            thread.set_authority(Authority("never"))
            world.threads.apply([config(env=(("V", "b"),), default_tools_approval_mode="approve")])
            assert (await call(thread))["pid"] == 1001
            async with thread.step() as later:
                assert later.prepare(ECHO).policy.authority == Authority("never")
            assert prepared.policy.authority == Authority("full-access")
            assert '"pid": 1000' in (await prepared.run()).for_model()


async def test_it_keeps_the_mode_that_it_was_prepared_with_and_the_next_step_has_the_new_one() -> None:
    asked: list[ApprovalRequest] = []

    def refuse(request: ApprovalRequest) -> bool:
        asked.append(request)
        return False

    server = FakeServer("fake")
    async with World(server, configs=[config(default_tools_approval_mode="approve")]) as world:
        thread = world.thread(on_approve=refuse)
        async with thread.step() as step:
            prepared = step.prepare(ECHO)
            world.configure("fake", default_tools_approval_mode="prompt")
            await prepared.run()
            await step.call(ECHO)
            assert asked == []
        with pytest.raises(ApprovalDenied):
            await call(thread)
        assert len(asked) == 1


async def test_it_is_not_rerouted_when_the_server_that_it_was_prepared_for_has_died() -> None:
    """Scenario P2. That one is brought back; its successor is not touched."""
    server = FakeServer("fake")
    async with World(server, configs=[config(env=(("V", "a"),))]) as world:
        thread = world.thread()
        async with thread.step() as step:
            prepared = step.prepare(ECHO)
            world.threads.apply([config(env=(("V", "b"),))])
            assert (await call(thread))["pid"] == 1001
            server.processes[0].exit(1)
            assert '"pid": 1002' in (await prepared.run()).for_model()
        assert [m["method"] for m in server.processes[1].received].count("tools/call") == 1


async def test_one_whose_server_cannot_be_brought_back_fails_and_its_successor_is_not_touched() -> None:
    """Scenario P2."""
    server = FakeServer("fake")
    async with World(server, configs=[config(env=(("V", "a"),), restart_max=0)]) as world:
        thread = world.thread()
        async with thread.step() as step:
            prepared = step.prepare(ECHO)
            world.threads.apply([config(env=(("V", "b"),))])
            assert (await call(thread))["pid"] == 1001
            server.processes[0].exit(1)
            with pytest.raises(ServerUnavailable):
                await prepared.run()
        assert len(server.processes) == 2
        assert [m["method"] for m in server.processes[1].received].count("tools/call") == 1


async def test_it_is_refused_when_the_tool_changed_since_it_was_prepared() -> None:
    """Scenario P3."""
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        prepared = step.prepare(ECHO)
        changes(server, description="now deletes everything")
        await world.passes(2.0)
        with pytest.raises(ToolChanged, match="look at the tools of the next step"):
            await prepared.run()
    assert server.got("tools/call") == []


@pytest.mark.parametrize("answer", [True, False])
async def test_of_one_that_is_refused_the_arguments_are_never_finished(answer: bool) -> None:
    """Scenario P4."""
    finished: list[Mapping[str, Any]] = []

    async def finish(arguments: dict[str, Any]) -> dict[str, Any]:
        finished.append(arguments)
        return arguments

    server = FakeServer("fake")

    async def approve(request: ApprovalRequest) -> bool:
        if answer:
            changes(server, description="other")
            await world.passes(2.0)
        return answer

    async with World(server, configs=[config(default_tools_approval_mode="prompt")]) as world:
        async with world.thread(on_approve=approve).step() as step:
            with pytest.raises(ToolChanged if answer else ApprovalDenied):
                await step.prepare(ECHO).run(finish=finish)
        assert finished == []
    assert server.got("tools/call") == []


async def test_a_tool_that_changes_while_the_arguments_are_finished_never_gets_them() -> None:
    """Scenario P5."""
    server = FakeServer("fake")

    async def finish(arguments: dict[str, Any]) -> dict[str, Any]:
        changes(server, description="other")
        await world.passes(2.0)
        return arguments

    async with World(server) as world, world.thread().step() as step:
        with pytest.raises(ToolChanged):
            await step.prepare(ECHO).run(finish=finish)
    assert server.got("tools/call") == []


async def test_what_changes_around_it_while_the_arguments_are_finished_does_not_disturb_it() -> None:
    """Scenario P5. A list that says the same of its tool, and a runtime that replaces its own."""
    server = FakeServer("fake")

    async def finish(arguments: dict[str, Any]) -> dict[str, Any]:
        server.tools = [tool("echo"), tool("more")]
        server.process.says({"method": "notifications/tools/list_changed"})
        world.threads.apply([config(env=(("V", "b"),))])
        await world.passes(2.0)
        return arguments

    async with World(server, configs=[config(env=(("V", "a"),))]) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert '"pid": 1000' in (await step.prepare(ECHO).run(finish=finish)).for_model()
        assert (await call(thread))["pid"] == 1001


async def test_what_is_sent_are_the_finished_arguments() -> None:
    async def upload(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"file": f"handle of {arguments['file']}"}

    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        await step.prepare(ECHO, {"file": "/tmp/a"}).run(finish=upload)
    (sent,) = server.got("tools/call")
    assert sent["params"]["arguments"] == {"file": "handle of /tmp/a"}


async def test_it_runs_once() -> None:
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        prepared = step.prepare(ECHO)
        await prepared.run()
        with pytest.raises(RuntimeError, match="prepare another"):
            await prepared.run()
    assert len(server.got("tools/call")) == 1


async def test_it_ends_with_its_step() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        async with world.thread().step() as step:
            prepared = step.prepare(ECHO)
        with pytest.raises(Closed):
            await prepared.run()
    assert server.got("tools/call") == []


async def test_what_the_step_does_not_show_cannot_be_prepared() -> None:
    async with World(FakeServer("fake")) as world, world.thread().step() as step:
        with pytest.raises(ToolNotFound):
            step.prepare("mcp__fake__other")


async def test_a_server_that_idles_is_waited_for_and_compared_before_anybody_approves() -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
    settings = config(idle_timeout=10.0, stop_when_unused=True, default_tools_approval_mode="writes")
    async with World(server, configs=[settings]) as world:
        thread = world.thread(on_approve=approve)
        await call(thread)
        await world.passes(30.0)
        server.tools = [tool("echo", annotations={"readOnlyHint": False})]
        async with thread.step() as step:
            assert ECHO in step.tools
            with pytest.raises(ToolChanged):
                await step.call(ECHO)
        assert asked == []
        await call(thread)
        assert [request.annotations.read_only_hint for request in asked] == [False]


async def test_waiting_for_the_server_counts_as_the_calls_time() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    settings = config(idle_timeout=10.0, stop_when_unused=True, default_tools_approval_mode="prompt")
    async with World(server, configs=[settings]) as world:
        thread = world.thread(on_approve=lambda request: True)
        await thread.ready()
        await world.passes(30.0)
        server.slow_start = 5.0
        async with thread.step() as step:
            with pytest.raises(CallTimeout, match=r"did not start within the request's time-out of 2 s"):
                await step.call(ECHO, timeout=2.0)
            began = world.loop.time()
            with pytest.raises(CallTimeout, match="no answer to tools/call"):
                await step.call(ECHO, timeout=20.0)
            assert world.loop.time() - began == pytest.approx(20.0, abs=0.01)


async def test_a_call_that_waits_for_its_approval_holds_its_server_when_the_step_has_ended() -> None:
    """S4"""
    approved: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def approve(request: ApprovalRequest) -> bool:
        return await approved

    server = FakeServer("fake")
    async with World(server, configs=[config(default_tools_approval_mode="prompt")]) as world:
        thread = world.thread(on_approve=approve)
        await thread.ready()
        step = thread.capture()
        calling = asyncio.create_task(step.call(ECHO))
        await world.settles()
        world.threads.reload()
        step.release()
        await world.passes(1000.0)
        assert [process.pid for process in server.running] == [1000, 1001]
        approved.set_result(True)
        assert '"pid": 1000' in (await calling).for_model()
        await world.settles()
        assert [process.pid for process in server.running] == [1001]
