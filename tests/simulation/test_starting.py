"""How a backend starts: once for all who wait, with patience, and with an error that helps when it cannot."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.errors import MessageTooLarge, ServerUnavailable
from support.fake_server import Act, FakeProcess, FakeServer, Message, exits, nothing, tool
from support.world import World, call, config


async def test_many_callers_at_once_share_one_start() -> None:
    """P1: N threads that want a server at the same moment make one process and one `initialize`."""
    server = FakeServer("fake", slow_start=0.5)
    async with World(server) as world:
        answers = await asyncio.gather(*(call(world.thread()) for _ in range(20)))
    assert {answer["pid"] for answer in answers} == {1000}
    assert len(server.processes) == len(server.got("initialize")) == 1


async def test_a_waiter_that_gives_up_takes_nobody_with_it() -> None:
    """P5: interrupting one thread cancels only its own waiting."""
    server = FakeServer("fake", slow_start=5.0)
    async with World(server) as world:
        impatient = asyncio.create_task(world.thread().ready())
        patient = asyncio.create_task(world.thread().ready())
        await world.passes(1.0)
        impatient.cancel()
        assert await patient == {"fake": None}
    assert len(server.processes) == 1


async def test_a_start_goes_on_when_its_only_waiter_gives_up() -> None:
    server = FakeServer("fake", slow_start=5.0)
    async with World(server) as world:
        with pytest.raises(TimeoutError):
            await world.thread().ready(timeout=1.0)
        await world.passes(10.0)
        assert world.backend().state is State.READY


async def test_a_silent_server_is_offered_the_handshake_after_two_seconds() -> None:
    server = FakeServer("fake", acts={"server/discover": nothing})
    async with World(server) as world:
        await world.thread().ready()
        assert world.loop.time() > 2.0
        assert (await world.backend().connected()).session.era == "handshake"


async def test_the_era_is_remembered_for_the_next_start() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        await call(thread)
    assert len(server.got("server/discover")) == 1


async def test_the_era_is_remembered_by_identity_whoever_may_share_the_process() -> None:
    """A server of scope `thread` is not probed again for each thread."""
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world:
        await call(world.thread())
        await call(world.thread())
    assert len(server.processes) == 2
    assert len(server.got("server/discover")) == 1


async def test_an_exit_during_the_probe_means_one_start_without_it() -> None:
    server = FakeServer("fake", acts={"server/discover": exits})
    async with World(server) as world:
        assert await world.thread().ready() == {"fake": None}
    assert len(server.processes) == 2
    assert [m["method"] for m in server.process.received[:2]] == ["initialize", "notifications/initialized"]


async def test_a_server_that_exits_without_the_probe_as_well_has_failed() -> None:
    server = FakeServer("fake", acts={"server/discover": exits, "initialize": exits})
    async with World(server) as world:
        with pytest.raises(ServerUnavailable, match="`fake`: it exited with status 1 during the handshake"):
            await (await world.backend_of_new_thread()).connected()
    assert len(server.processes) == 2


async def test_a_remembered_modern_era_is_forgotten_when_the_start_fails() -> None:
    """A server that was replaced by an older version must not be asked the new way for ever."""
    server = FakeServer("fake", eras=("modern",))
    async with World(server, configs=[config(startup_timeout=10.0)]) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(0)
        server.eras = ("handshake",)
        server.acts["server/discover"] = nothing
        assert isinstance((await thread.ready())["fake"], ServerUnavailable)
        assert await thread.ready() == {"fake": None}


async def test_all_pages_of_the_tool_list_are_read_before_it_is_ready() -> None:
    server = FakeServer("fake", tools=[tool(f"t{n}") for n in range(7)], page=3)
    async with World(server) as world, world.thread().step() as step:
        assert len(step.tools) == 7
    assert len(server.got("tools/list")) == 3


async def test_a_server_that_never_answers_fails_after_its_time_and_says_what_to_do() -> None:
    server = FakeServer("fake", acts={"server/discover": nothing, "initialize": nothing})
    async with World(server, configs=[config(startup_timeout=12.0)]) as world:
        with pytest.raises(ServerUnavailable) as caught:
            await (await world.backend_of_new_thread()).connected()
        assert "no answer within 12 s to the handshake" in str(caught.value)
        assert "startup_timeout_sec" in str(caught.value)
        assert world.backend().state is State.FAILED


async def test_an_error_quotes_the_last_words_on_stderr() -> None:
    def complains(process: FakeProcess, message: Message) -> None:
        process.words = "no such database\n"
        process.exit(3)

    server = FakeServer("fake", acts={"server/discover": complains, "initialize": complains})
    async with World(server) as world:
        with pytest.raises(ServerUnavailable, match="no such database"):
            await (await world.backend_of_new_thread()).connected()


async def test_all_waiters_hear_why_the_start_failed_each_in_an_error_of_its_own() -> None:
    server = FakeServer("fake", fails_to_start="the command was not found")
    async with World(server) as world:
        first, second = await asyncio.gather(*(world.thread().ready() for _ in range(2)))
        assert str(first["fake"]) == str(second["fake"]) == "`fake`: the command was not found"
        assert first["fake"] is not second["fake"]


async def test_a_failed_start_is_repeated_by_itself_in_growing_steps_until_the_budget_is_spent() -> None:
    """H2: starting is not one-shot. The world's dice always say one half."""
    starts: list[float] = []

    class Watched(FakeServer):
        async def open(self, sink: Any) -> FakeProcess:
            starts.append(world.loop.time())
            return await super().open(sink)

    async with World(Watched("fake", fails_to_start="port in use"), configs=[config(start="eager")]) as world:
        world.thread()
        await world.passes(50.0)
    assert [later - first for first, later in pairwise(starts)] == pytest.approx([0.25, 0.5, 1.0, 2.0, 4.0])


async def test_a_request_does_not_wait_for_the_back_off() -> None:
    server = FakeServer("fake", fails_to_start="port in use")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.fails_to_start = None
        assert await thread.ready() == {"fake": None}
        assert world.loop.time() < 0.5


async def test_a_server_that_exits_right_after_its_tool_list_has_failed() -> None:
    """The answer and the exit arrive in the same turn of the loop: nobody may wait for ever."""

    def lists_and_exits(process: FakeProcess, message: Message) -> None:
        process.answers(message, {"tools": []})
        world.loop.call_later(0.001, process.exit, 1)

    server = FakeServer("fake", acts={"tools/list": lists_and_exits})
    async with World(server) as world:
        with pytest.raises(ServerUnavailable, match="exited with status 1"):
            await (await world.backend_of_new_thread()).connected()
        assert world.backend().state is State.FAILED


async def test_a_tool_list_over_the_message_limit_is_a_failed_start() -> None:
    server = FakeServer("fake", tools=[tool("big", description="x" * 5000)])
    async with World(server, configs=[config(max_message_bytes=4000)]) as world:
        with pytest.raises((ServerUnavailable, MessageTooLarge), match="limit is 4,000"):
            await (await world.backend_of_new_thread()).connected()


async def test_a_launcher_that_breaks_is_a_failed_start_and_nobody_hangs() -> None:
    class Broken(FakeServer):
        async def open(self, sink: object) -> FakeProcess:
            raise OSError("out of file descriptors")

    async with World(Broken("fake")) as world:
        with pytest.raises(ServerUnavailable, match="out of file descriptors"):
            await (await world.backend_of_new_thread()).connected()
        assert world.defects.pop() == "OSError('out of file descriptors')"


async def test_a_server_that_refuses_to_log_is_ready_all_the_same() -> None:
    """What a holder wants to hear is no reason to have no server at all."""

    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses(message, -32603, "not today")

    server = FakeServer("fake", acts={"logging/setLevel": refuses})
    async with World(server) as world:
        thread = world.thread()
        await thread.set_log_level("fake", "info")
        assert await thread.ready() == {"fake": None}


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_a_server_that_ignores_what_is_wished_is_ready_all_the_same(era: Any) -> None:
    """H5. Nor does it keep others waiting for long."""
    deaf: dict[str, Act] = dict.fromkeys(("logging/setLevel", "resources/subscribe", "subscriptions/listen"), nothing)
    server = FakeServer("fake", eras=(era,), capabilities={"tools": {"listChanged": True}, "logging": {}}, acts=deaf)
    async with World(server) as world:
        thread = world.thread()
        await thread.set_log_level("fake", "info")
        assert await thread.ready(timeout=10.0) == {"fake": None}


async def test_a_modern_server_without_subscriptions_is_ready_all_the_same() -> None:
    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses(message, -32601, "no such method")

    server = FakeServer("fake", eras=("modern",), acts={"subscriptions/listen": refuses})
    async with World(server) as world:
        assert await world.thread().ready() == {"fake": None}


async def test_closing_while_it_starts_ends_the_start_and_tells_who_waits() -> None:
    server = FakeServer("fake", slow_start=60.0)
    async with World(server, configs=[config(startup_timeout=120.0)]) as world:
        waiting = asyncio.create_task(world.thread().ready())
        await world.passes(1.0)
        await world.pool.close()
        assert isinstance((await waiting)["fake"], ServerUnavailable)


async def test_closing_in_the_moment_of_the_start_leaves_nobody_waiting() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        backend = await world.backend_of_new_thread()
        backend.begin()
        closing = asyncio.create_task(backend.stop(retire=True))
        with pytest.raises(ServerUnavailable):
            await backend.connected()
        await closing


async def test_a_reconnect_while_it_starts_lets_those_who_wait_have_the_new_one() -> None:
    """H9"""
    server = FakeServer("fake", slow_start=10.0)
    async with World(server) as world:
        waiting = asyncio.create_task(world.thread().ready())
        await world.passes(1.0)
        server.slow_start = 0.0
        await world.pool.reconnect("fake")
        assert await waiting == {"fake": None}
    assert len(server.processes) == 2


async def test_a_server_that_a_thread_cannot_do_without_is_waited_for() -> None:
    server = FakeServer("fake", slow_start=3.0)
    async with World(server, configs=[config(required=True)]) as world:
        await world.thread().require()
        assert world.backend().state is State.READY


async def test_a_required_server_that_fails_fails_the_thread_with_its_name_and_reason() -> None:
    """Invariant 10."""
    good, bad = FakeServer("good"), FakeServer("bad", fails_to_start="the command was not found")
    async with World(good, bad, configs=[config("good"), config("bad", required=True)]) as world:
        with pytest.raises(ServerUnavailable, match="`bad`: the command was not found"):
            async with world.thread():
                pytest.fail("the thread must not open")
        assert len(world.threads) == 0


async def test_a_broken_server_never_fails_a_step_that_does_not_call_it() -> None:
    """Invariant 10."""
    good, bad = FakeServer("good"), FakeServer("bad", fails_to_start="the command was not found")
    async with World(good, bad) as world, world.thread().step() as step:
        assert list(step.tools) == ["mcp__good__echo"]
        assert step.tools.pending == ("bad",)


async def test_a_step_waits_for_a_server_never_seen_no_longer_than_the_grace() -> None:
    """Scenario L3."""
    slow = FakeServer("fake", slow_start=20.0)
    async with World(slow, grace=1.0) as world:
        async with world.thread().step() as step:
            assert world.loop.time() == pytest.approx(1.0)
            assert step.tools.pending == ("fake",)
        async with world.thread().step():
            assert world.loop.time() == pytest.approx(1.0), "all share one grace"


async def test_disabled_servers_are_neither_leased_nor_started() -> None:
    """P2"""
    server = FakeServer("fake")
    async with World(server, configs=[config(enabled=False, start="eager")]) as world:
        async with world.thread().step() as step:
            assert step.servers == ()
        assert list(world.pool) == []
    assert server.processes == []
