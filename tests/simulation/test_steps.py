"""A step goes through the runtime that was current when it began, whatever is replaced meanwhile (S1 to S4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.config.server import ToolConfig
from mcpool.errors import ApprovalDenied, CallTimeout, Closed, ServerNotFound, ToolChanged, ToolNotFound
from mcpool.runtime.approval_request import ApprovalRequest
from support.fake_server import FakeServer, nothing, tool
from support.world import Ear, World, call, config, shown

ECHO = "mcp__fake__echo"


def answers_all(server: FakeServer) -> None:
    for process in server.running:
        for message in process.received:
            if message["method"] == "tools/call":
                process.answers(message, {"content": [{"type": "text", "text": str(process.pid)}]})


async def test_beginning_a_step_makes_no_request_and_starts_nothing_twice() -> None:
    """S1"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        before = len(server.process.received)
        for _ in range(100):
            async with thread.step() as step:
                assert list(step.tools) == [ECHO]
        thread.capture().release()
    assert len(server.process.received) == before
    assert len(server.processes) == 1


async def test_a_step_calls_the_server_that_it_captured_and_the_next_step_the_new_one() -> None:
    """S2, S3: captured A, published B; A's calls go to A, the next step's to B."""
    server = FakeServer("fake")
    async with World(server, configs=[config(env=(("V", "a"),))]) as world:
        thread = world.thread()
        async with thread.step() as step:
            world.threads.apply([config(env=(("V", "b"),))])
            assert (await step.call(ECHO)).for_model().endswith('"pid": 1000}')
            assert (await call(thread))["pid"] == 1001
            assert (await step.call(ECHO)).for_model().endswith('"pid": 1000}')


async def test_a_replaced_runtime_goes_with_the_last_step_that_holds_it() -> None:
    """S4"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        first, second = thread.capture(), thread.capture()
        world.threads.reload()
        first.release()
        await world.passes(0.1)
        assert [process.pid for process in server.running] == [1000, 1001]
        second.release()
        await world.settles()
        assert [process.pid for process in server.running] == [1001]


async def test_a_reload_lets_a_call_in_flight_finish_on_the_old_process() -> None:
    """P4"""
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server) as world:
        thread = world.thread()
        old = asyncio.create_task(call(thread))
        await server.receives("tools/call")
        world.threads.reload()
        new = asyncio.create_task(call(thread))
        await server.receives("tools/call", 2)
        assert len(server.running) == 2
        answers_all(server)
        assert [await old, await new] == [1000, 1001]
        await world.settles()
        assert [process.pid for process in server.running] == [1001]


async def test_a_reload_gives_all_threads_the_same_fresh_process() -> None:
    """P4"""
    server = FakeServer("fake")
    async with World(server) as world:
        threads = [world.thread() for _ in range(5)]
        await asyncio.gather(*(call(thread) for thread in threads))
        world.threads.reload()
        pids = {(await call(thread))["pid"] for thread in threads}
    assert pids == {1001}


async def test_a_configuration_that_says_the_same_keeps_every_process() -> None:
    """Scenario R2. U5"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        before, seen = thread.runtime, shown(thread)
        world.threads.apply([config()])
        assert thread.runtime is before
        assert shown(thread) == seen == [ECHO]
        assert world.backend().holders.leases == 1
        assert (await call(thread))["pid"] == 1000
    assert len(server.got("initialize")) == 1


async def test_a_change_of_what_a_thread_sees_touches_no_process() -> None:
    server = FakeServer("fake", tools=[tool("echo"), tool("other")])
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        world.configure("fake", disabled_tools=("other",), tool_timeout=7.0)
        async with thread.step() as step:
            assert list(step.tools) == [ECHO]
    assert len(server.processes) == 1


async def test_a_change_of_one_server_leaves_the_others_alone() -> None:
    """Invariant 5."""
    kept, changed = FakeServer("kept"), FakeServer("changed")
    async with World(kept, changed) as world:
        thread = world.thread()
        await thread.ready()
        world.threads.apply([config("kept"), config("changed", args=("--new",))])
        await thread.ready()
    assert (len(kept.processes), len(changed.processes)) == (1, 2)


async def test_a_server_that_is_taken_out_is_gone_for_the_next_step_only() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        async with thread.step() as step:
            world.threads.apply([])
            await step.call(ECHO)
            async with thread.step() as later:
                with pytest.raises(ServerNotFound):
                    await later.facts("fake")


async def test_a_tool_that_changed_after_it_was_shown_is_refused_and_nothing_is_sent() -> None:
    server = FakeServer("fake", tools=[tool("echo", description="reads")])
    async with World(server) as world, world.thread().step() as step:
        assert ECHO in step.tools
        server.tools = [tool("echo", description="deletes")]
        server.process.exit(1)
        with pytest.raises(ToolChanged, match="changed after it was shown"):
            await step.call(ECHO)
    assert server.got("tools/call") == []


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {"readOnlyHint": False}},
        {"inputSchema": {"type": "object", "required": ["x"]}},
        {"_meta": {"ui": {"visibility": ["app"]}}},
    ],
)
async def test_whatever_a_decision_used_counts_as_a_change(change: dict[str, Any]) -> None:
    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
    async with World(server) as world, world.thread().step() as step:
        server.tools = [{**server.tools[0], **change}]
        server.process.says({"method": "notifications/tools/list_changed"})
        await world.passes(2.0)
        with pytest.raises(ToolChanged):
            await step.call(ECHO)
    assert server.got("tools/call") == []


async def test_what_no_decision_uses_may_change() -> None:
    server = FakeServer("fake", tools=[tool("echo", title="A", outputSchema={"type": "object"})])
    async with World(server) as world, world.thread().step() as step:
        server.tools = [tool("echo", title="B")]
        server.process.exit(1)
        await step.call(ECHO)
    assert len(server.got("tools/call")) == 1


async def test_a_tool_that_is_gone_is_refused() -> None:
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        assert ECHO in step.tools
        server.tools = []
        server.process.exit(1)
        with pytest.raises(ToolChanged, match="no longer offered"):
            await step.call(ECHO)


async def test_a_thread_scoped_server_that_restarted_after_it_was_used_is_refused_to_this_step() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world:
        thread = world.thread()
        async with thread.step() as step:
            await step.call(ECHO)
            server.process.exit(1)
            with pytest.raises(ToolChanged, match="its state was lost"):
                await step.call(ECHO)
        assert (await call(thread))["pid"] == 1001


async def test_a_call_that_was_never_sent_leaves_no_state_to_lose() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world, world.thread().step() as step:
        assert ECHO in step.tools
        server.process.exit(1)
        server.slow_start = 10.0
        with pytest.raises(CallTimeout, match="did not start"):
            await step.call(ECHO, timeout=1.0)
        assert '"pid": 1001' in (await step.call(ECHO)).for_model()


async def test_a_shared_server_that_restarted_serves_the_same_step() -> None:
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        await step.call(ECHO)
        server.process.exit(1)
        assert '"pid": 1001' in (await step.call(ECHO)).for_model()


async def test_tools_added_by_the_server_are_seen_by_the_next_step_only() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert list(step.tools) == [ECHO]
            server.tools = [tool("echo"), tool("more")]
            server.process.says({"method": "notifications/tools/list_changed"})
            await world.passes(2.0)
            assert list(step.tools) == [ECHO]
            with pytest.raises(ToolNotFound):
                await step.call("mcp__fake__more")
        assert len(shown(thread)) == 2


async def test_the_specs_of_two_steps_are_the_same_object_when_nothing_changed() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        specs: list[object] = []
        for thread in (world.thread(), world.thread()):
            async with thread.step() as step:
                specs.append(step.tools.openai())
        assert specs[0] is specs[1]


async def test_a_tool_that_is_not_enabled_cannot_be_called_by_any_door() -> None:
    server = FakeServer("fake", tools=[tool("echo"), tool("secret")])
    async with World(server, configs=[config(enabled_tools=("echo",))]) as world, world.thread().step() as step:
        assert [definition.name for definition in await step.tool_definitions("fake")] == ["echo"]
        with pytest.raises(ToolNotFound):
            await step.call("mcp__fake__secret")
        with pytest.raises(ToolNotFound):
            await step.relay("fake", "tools/call", {"name": b'"secret"'})
    assert server.got("tools/call") == []


@pytest.mark.parametrize("approved", [True, False])
async def test_a_call_that_needs_approval_is_sent_only_if_it_is_given(approved: bool) -> None:
    asked: list[ApprovalRequest] = []

    async def on_approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return approved

    server = FakeServer("fake", tools=[tool("echo", annotations={"destructiveHint": True})])
    async with World(server) as world, world.thread(on_approve=on_approve).step() as step:
        if approved:
            await step.call(ECHO, {"x": 1})
        else:
            with pytest.raises(ApprovalDenied, match="nothing was sent"):
                await step.call(ECHO, {"x": 1})
    assert len(server.got("tools/call")) == approved
    assert [(r.server, r.tool, r.arguments) for r in asked] == [("fake", "echo", b'{"x":1}')]


async def test_a_tool_that_changes_while_somebody_approves_it_is_refused_by_any_door() -> None:
    """What was approved is what runs."""
    server = FakeServer("fake")

    async def approve(request: ApprovalRequest) -> bool:
        server.tools = [tool("echo", description="now deletes everything")]
        server.process.says({"method": "notifications/tools/list_changed"})
        await asyncio.sleep(5.0)
        return True

    async with World(server, configs=[config(default_tools_approval_mode="prompt")]) as world:
        thread = world.thread(on_approve=approve)
        await thread.ready()
        async with thread.step() as step:
            with pytest.raises(ToolChanged):
                await step.relay("fake", "tools/call", {"name": b'"echo"'})
    assert server.got("tools/call") == []


async def test_approval_is_asked_by_elicitation_where_the_program_gives_no_callback() -> None:
    server, ear = FakeServer("fake"), Ear()
    ear.answer = b'{"action":"decline"}'
    configs = [config(tools=(("echo", ToolConfig(approval_mode="prompt")),))]
    async with World(server, configs=configs) as world, world.thread(ear).step() as step:
        with pytest.raises(ApprovalDenied):
            await step.relay("fake", "tools/call", {"name": b'"echo"'})
        ear.answer = b'{"action":"accept"}'
        await step.relay("fake", "tools/call", {"name": b'"echo"'})
    assert len(server.got("tools/call")) == 1


async def test_a_step_that_ended_is_refused_with_what_to_do() -> None:
    async with World(FakeServer("fake")) as world:
        async with world.thread().step() as step:
            pass
        with pytest.raises(Closed, match=r"thread\.step"):
            await step.facts("fake")


async def test_a_closed_thread_takes_no_more_steps_but_those_that_run_go_on() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        async with thread.step() as step:
            await thread.close()
            await step.call(ECHO)
            with pytest.raises(Closed):
                thread.step()


async def test_a_thread_keeps_its_servers_in_the_order_of_the_configuration() -> None:
    names = ("zeta", "alpha", "mid")
    async with World(*(FakeServer(name) for name in names)) as world, world.thread().step() as step:
        assert step.servers == names


async def test_a_modern_and_a_handshake_server_serve_one_step() -> None:
    old, new = FakeServer("old"), FakeServer("new", eras=("modern",))
    async with World(old, new) as world, world.thread().step() as step:
        assert [(await step.facts(name)).era for name in ("old", "new")] == ["handshake", "modern"]
        for name in ("old", "new"):
            assert (await step.call(f"mcp__{name}__echo", {"n": 1})).for_model()


async def test_a_changed_start_up_time_counts_from_the_next_start() -> None:
    server = FakeServer("fake", slow_start=20.0)
    async with World(server, configs=[config(startup_timeout=10.0)]) as world:
        thread = world.thread()
        assert (await thread.ready())["fake"] is not None
        world.threads.apply([replace(config(), startup_timeout=60.0)])
        assert await thread.ready() == {"fake": None}
        assert world.backend().state is State.READY
