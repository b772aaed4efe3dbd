"""Threads that are unloaded, archived, and come back: what they lease meanwhile (P5, P6)."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.errors import Closed, ServerUnavailable, ThreadNotFound
from mcpool.threads.life import Life
from support.fake_server import FakeServer, nothing
from support.world import UNLOAD_AFTER, Ear, World, call, config

PATIENT = config(idle_timeout=0.0)
"""A server that goes with its last lease."""


async def test_a_thread_that_nobody_subscribes_to_lets_its_servers_go_after_a_while() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        thread = world.thread()
        await call(thread)
        assert world.threads.unsubscribe(thread.id)
        await world.passes(UNLOAD_AFTER - 1.0)
        assert thread.life is Life.LOADED
        assert server.running
        await world.passes(2.0)
        assert thread.life is Life.UNLOADED
        assert not server.running
        with pytest.raises(Closed, match=r"host\.threads\.resume"):
            thread.step()


async def test_the_process_stays_while_another_loaded_thread_holds_it() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        first, second = world.thread(), world.thread()
        await call(first)
        await call(second)
        world.threads.unsubscribe(first.id)
        await world.passes(UNLOAD_AFTER + 1.0)
        assert (await call(second))["pid"] == 1000
        world.threads.unsubscribe(second.id)
        await world.passes(UNLOAD_AFTER + 1.0)
        assert not server.running


@pytest.mark.parametrize("come_back", ["subscribe", "resume"])
async def test_a_new_subscriber_keeps_it(come_back: str) -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        thread = world.thread()
        await call(thread)
        world.threads.unsubscribe(thread.id)
        await world.passes(UNLOAD_AFTER - 1.0)
        if come_back == "subscribe":
            world.threads.subscribe(thread.id, "another")
        else:
            assert await world.threads.resume(thread.id) is thread
        await world.passes(UNLOAD_AFTER * 3)
        assert (await call(thread))["pid"] == 1000


async def test_it_is_unloaded_after_the_last_of_several_subscribers() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        world.threads.subscribe(thread.id, "ui")
        world.threads.unsubscribe(thread.id)
        await world.passes(UNLOAD_AFTER + 1.0)
        assert thread.life is Life.LOADED
        assert world.threads.unsubscribe(thread.id, "ui")
        assert not world.threads.unsubscribe(thread.id, "ui")
        await world.passes(UNLOAD_AFTER + 1.0)
        assert thread.life is Life.UNLOADED


async def test_a_thread_in_the_middle_of_a_step_is_unloaded_when_that_has_ended() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(idle_timeout=0.0, tool_timeout=UNLOAD_AFTER * 10)]) as world:
        thread = world.thread()
        calling = asyncio.create_task(call(thread))
        await server.receives("tools/call")
        world.threads.unsubscribe(thread.id)
        await world.passes(UNLOAD_AFTER * 3)
        assert thread.life is Life.LOADED
        server.process.answers(server.got("tools/call")[0], {"content": [{"type": "text", "text": "1"}]})
        assert await calling == 1
        await world.passes(UNLOAD_AFTER + 1.0)
        assert thread.life is Life.UNLOADED
        assert not server.running


async def test_an_archived_thread_lets_its_servers_go_at_once_and_comes_back_with_a_live_one() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        thread = world.thread()
        await call(thread)
        world.threads.archive(thread.id)
        await world.passes(0.1)
        assert not server.running
        with pytest.raises(Closed, match="archived"):
            await world.threads.resume(thread.id)
        world.threads.unarchive(thread.id)
        await world.passes(100.0)
        assert not server.running, "unarchiving starts nothing"
        assert await world.threads.resume(thread.id) is thread
        assert (await call(thread))["pid"] == 1001


async def test_a_resumed_thread_shares_the_process_that_others_kept() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        staying, leaving = world.thread(), world.thread()
        await call(staying)
        await call(leaving)
        world.threads.archive(leaving.id)
        world.threads.unarchive(leaving.id)
        await world.threads.resume(leaving.id)
        assert (await call(leaving))["pid"] == 1000
        assert world.backend().holders.leases == 2


async def test_sub_agents_are_archived_with_their_root() -> None:
    async with World(FakeServer("fake")) as world:
        root, stranger = world.thread(), world.thread()
        child = world.thread(parent=root)
        grandchild = world.thread(parent=child)
        world.threads.archive(root.id)
        assert {child.life, grandchild.life} == {Life.ARCHIVED}
        assert stranger.life is Life.LOADED
        world.threads.unarchive(root.id)
        assert {root.life, child.life, grandchild.life} == {Life.UNLOADED}


async def test_a_step_that_runs_goes_on_when_its_thread_is_archived() -> None:
    """S4"""
    server = FakeServer("fake")
    async with World(server, configs=[PATIENT]) as world:
        thread = world.thread()
        async with thread.step() as step:
            world.threads.archive(thread.id)
            await world.passes(100.0)
            await step.call("mcp__fake__echo")
        await world.passes(0.1)
        assert not server.running


async def test_a_resumed_thread_hears_again_what_it_wished_to_hear() -> None:
    server, ear = FakeServer("fake", capabilities={"tools": {}, "resources": {"subscribe": True}}), Ear()
    async with World(server, configs=[PATIENT]) as world:
        thread = world.thread(ear)
        await thread.subscribe("fake", "file:///a")
        world.threads.archive(thread.id)
        world.threads.unarchive(thread.id)
        await world.threads.resume(thread.id)
        await call(thread)
        server.process.says({"method": "notifications/resources/updated", "params": {"uri": "file:///a"}})
        await world.passes(0.1)
    assert ("fake", "notifications/resources/updated", {"uri": "file:///a"}) in ear.heard


async def test_a_thread_that_cannot_have_what_it_requires_is_not_resumed() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(required=True, idle_timeout=0.0)]) as world:
        thread = world.thread()
        await thread.ready()
        world.threads.archive(thread.id)
        world.threads.unarchive(thread.id)
        await world.passes(1.0)
        server.fails_to_start = "no such command"
        with pytest.raises(ServerUnavailable, match="no such command"):
            await world.threads.resume(thread.id)
        assert thread.life is Life.UNLOADED
        server.fails_to_start = None
        world.pool.forgive()
        await world.threads.resume(thread.id)
        assert thread.life is Life.LOADED


async def test_a_closed_thread_is_forgotten() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        assert world.threads[thread.id] is thread
        await thread.close()
        assert thread.id not in world.threads
        with pytest.raises(ThreadNotFound, match="t1"):
            await world.threads.resume(thread.id)
        with pytest.raises(Closed, match=r"host\.thread"):
            thread.step()


async def test_a_change_of_the_configuration_reaches_a_thread_that_was_unloaded_meanwhile() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(env=(("V", "a"),))]) as world:
        thread = world.thread()
        await call(thread)
        world.threads.archive(thread.id)
        world.threads.apply([config(env=(("V", "b"),))])
        world.threads.unarchive(thread.id)
        await world.threads.resume(thread.id)
        assert (await call(thread))["pid"] == 1001


async def test_another_sandbox_is_another_runtime_on_the_same_process() -> None:
    """P5"""
    key = "codex/sandbox-state-meta"
    server = FakeServer("fake", capabilities={"tools": {}, "experimental": {key: {}}})
    async with World(server) as world:
        thread = world.thread()
        thread.set_sandbox_state({"mode": "old"})
        async with thread.step() as step:
            before = thread.runtime
            thread.set_sandbox_state({"mode": "new"})
            await thread.refresh()
            assert thread.runtime is not before
            await step.call("mcp__fake__echo")
            assert (await call(thread))["pid"] == 1000
        assert world.backend().holders.leases == 1
    assert [m["params"]["_meta"][key] for m in server.got("tools/call")] == [{"mode": "old"}, {"mode": "new"}]


async def test_a_thread_that_waits_for_servers_goes_on_waiting_when_its_sandbox_changes() -> None:
    """P5"""
    server = FakeServer("fake", slow_start=10.0)
    async with World(server) as world:
        thread = world.thread()
        waiting = asyncio.create_task(thread.ready())
        await world.passes(5.0)
        thread.set_sandbox_state({"mode": "new"})
        assert await waiting == {"fake": None}
    assert len(server.processes) == 1


async def test_interrupting_one_thread_cancels_only_its_own_waiting() -> None:
    """P5: also after its sandbox changed; and the server is there later, for it too."""
    server = FakeServer("fake", slow_start=10.0)
    async with World(server, grace=60.0) as world:
        first, second = world.thread(), world.thread()
        interrupted = asyncio.create_task(call(first))
        other = asyncio.create_task(call(second))
        await world.passes(2.0)
        first.set_sandbox_state({"mode": "new"})
        await world.passes(2.0)
        interrupted.cancel()
        assert (await other)["pid"] == 1000
        assert (await call(first))["pid"] == 1000
    assert interrupted.cancelled()
    assert len(server.processes) == 1
