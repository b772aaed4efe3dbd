"""What becomes of a call: answered, timed out, cancelled, or caught by the death of its server."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.backend.lifecycle import State
from mcpool.errors import CallOutcomeUnknown, CallTimeout, MessageTooLarge, RpcError, ServerUnavailable
from support.fake_server import FakeProcess, FakeServer, Message, exits, nothing, tool
from support.world import Ear, World, call, config


def result(text: str) -> Message:
    return {"content": [{"type": "text", "text": f'"{text}"'}]}


async def test_a_server_that_died_is_started_again_by_the_next_call() -> None:
    """H8: nobody reloads, nobody restarts, and the call succeeds."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        first = await call(thread)
        server.process.exit(-9)
        assert world.backend().state is State.DISCONNECTED
        second = await call(thread)
        assert world.backend().generation == 2
    assert (first["pid"], second["pid"]) == (1000, 1001)


async def test_the_new_process_shakes_hands_and_lists_its_tools_again() -> None:
    """H3"""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        server.process.exit(1)
        await call(thread)
    assert [m["method"] for m in server.process.received] == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ]


async def test_the_old_process_is_gone_before_the_new_one_starts() -> None:
    class Watched(FakeServer):
        async def open(self, sink: object) -> FakeProcess:
            still_there.extend(self.running)
            return await super().open(sink)  # pyright: ignore[reportArgumentType]

    still_there: list[FakeProcess] = []
    server = Watched("fake", closing_takes=3.0)
    async with World(server) as world:
        thread = world.thread()
        await call(thread)
        reconnecting = asyncio.create_task(world.pool.reconnect("fake"))
        await call(thread)
        await reconnecting
    assert len(server.processes) == 2
    assert not still_there


async def test_a_call_in_flight_when_the_server_dies_may_have_run_and_is_not_sent_again() -> None:
    """Invariant 6."""
    server = FakeServer("fake", acts={"tools/call": exits})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(CallOutcomeUnknown, match="exited with status 1"):
            await call(thread)
    assert len(server.got("tools/call")) == 1


async def test_a_call_to_a_process_that_is_gone_unnoticed_goes_to_the_next() -> None:
    """H4: it provably never reached the old one."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.process.dies_silently()
        assert (await call(thread))["pid"] == 1001
    assert len(server.got("tools/call")) == 1


async def test_a_call_in_the_moment_of_the_end_of_output_goes_to_the_next_process() -> None:
    """H4"""
    server = FakeServer("fake")
    async with World(server) as world, world.thread().step() as step:
        await step.call("mcp__fake__echo")
        server.process.closes_output()
        assert '"pid": 1001' in (await step.call("mcp__fake__echo")).for_model()


@pytest.mark.parametrize(
    ("annotations", "settings", "calls"),
    [
        ({}, {}, 1),
        ({"readOnlyHint": True}, {}, 2),
        ({"idempotentHint": True}, {}, 2),
        ({"readOnlyHint": True}, {"retry": "never"}, 1),
        ({}, {"retry": "always"}, 2),
    ],
)
async def test_a_lost_call_is_sent_again_where_twice_does_no_harm(
    annotations: Message, settings: Message, calls: int
) -> None:
    """H4, invariant 6: at most once, and only if nobody can tell the difference or the configuration allows it."""
    server = FakeServer("fake", tools=[tool("echo", annotations=annotations)], acts={"tools/call": exits})
    async with World(server, configs=[config(**settings)]) as world:
        thread = world.thread()
        await thread.ready()
        with pytest.raises(CallOutcomeUnknown):
            await call(thread)
    assert len(server.got("tools/call")) == calls


async def test_a_call_that_never_left_the_pipe_is_sent_again_once() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.reads = False
        calling = asyncio.create_task(call(thread))
        await world.passes(1.0)
        server.reads = True
        server.process.exit(-9)
        assert (await calling)["pid"] == 1001


async def test_a_call_that_could_not_be_sent_twice_is_given_up_as_not_run() -> None:
    def stops_reading(process: FakeProcess, message: Message) -> None:
        process.answers(message, {"tools": [tool("echo")]})
        server.reads = False
        world.loop.call_later(5.0, process.exit, -9)

    server = FakeServer("fake", acts={"tools/list": stops_reading})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        calling = asyncio.create_task(call(thread))
        await world.passes(1.0)
        server.reads = True
        server.process.exit(-9)
        with pytest.raises(ServerUnavailable):
            await calling
    assert server.got("tools/call") == []
    assert len(server.processes) == 2


async def test_a_call_past_its_time_fails_and_the_server_is_told() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        with pytest.raises(CallTimeout, match="no answer to tools/call within 10 s"):
            await call(thread)
        assert world.loop.time() - begun == pytest.approx(10.0)
        await server.receives("notifications/cancelled")
    (asked,) = server.got("tools/call")
    (told,) = server.got("notifications/cancelled")
    assert told["params"]["requestId"] == asked["id"]


async def test_an_answer_that_comes_too_late_is_dropped() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        thread = world.thread()
        with pytest.raises(CallTimeout):
            await call(thread)
        (late,) = server.got("tools/call")
        server.process.answers(late, result("late"))
        del server.acts["tools/call"]
        assert (await call(thread, n=1))["arguments"] == {"n": 1}
        assert (await world.backend().connected()).engine.statistics().late == 1


async def test_a_callers_time_out_can_shorten_the_configured_one_but_not_lengthen_it() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[config(tool_timeout=10.0)]) as world, world.thread().step() as step:
        for timeout in (2.0, 100.0):
            with pytest.raises(CallTimeout):
                await step.call("mcp__fake__echo", timeout=timeout)
        assert world.loop.time() == pytest.approx(12.0, abs=0.1)


async def test_a_call_waits_for_a_starting_server_no_longer_than_its_own_time() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(tool_timeout=5.0)]) as world:
        thread = world.thread()
        await thread.ready()
        server.process.exit(1)
        server.slow_start = 20.0
        with pytest.raises(CallTimeout, match="did not start within"):
            await call(thread)
        assert world.backend().state is State.RECONNECTING, "others may still want it"


async def test_a_caller_that_is_cancelled_tells_the_server_and_nobody_else_notices() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server) as world:
        dropped, kept = (asyncio.create_task(call(world.thread())) for _ in range(2))
        await server.receives("tools/call", 2)
        dropped.cancel()
        await server.receives("notifications/cancelled")
        first, second = server.got("tools/call")
        assert server.got("notifications/cancelled")[0]["params"]["requestId"] == first["id"]
        server.process.answers(second, result("kept"))
        assert await kept == "kept"


async def test_nothing_is_in_flight_after_calls_of_every_outcome() -> None:
    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses(message, -32602, "no")

    acts = {"tools/call bad": refuses, "tools/call hang": nothing, "tools/call die": exits}
    server = FakeServer("fake", tools=[tool(name) for name in ("echo", "bad", "hang", "die")], acts=dict(acts))
    async with World(server, configs=[config(tool_timeout=5.0)]) as world:
        thread = world.thread()
        await call(thread)
        for name, error in {"bad": RpcError, "hang": CallTimeout, "die": CallOutcomeUnknown}.items():
            with pytest.raises(error):
                await call(thread, name)
        assert world.backend().in_flight == 0


async def test_the_servers_own_error_reaches_the_caller_as_it_is() -> None:
    def refuses(process: FakeProcess, message: Message) -> None:
        process.refuses(message, -32042, "go away")

    server = FakeServer("fake", acts={"tools/call": refuses})
    async with World(server) as world:
        with pytest.raises(RpcError) as caught:
            await call(world.thread())
    assert (caught.value.server, caught.value.code, caught.value.reason) == ("fake", -32042, "go away")


async def test_an_answer_over_the_limit_costs_its_own_caller_only() -> None:
    def floods(process: FakeProcess, message: Message) -> None:
        process.answers(message, result("x" * 5000))

    server = FakeServer("fake", tools=[tool("echo"), tool("flood")], acts={"tools/call flood": floods})
    async with World(server, configs=[config(max_message_bytes=4000)]) as world:
        flooded, served = await asyncio.gather(
            call(world.thread(), "flood"), call(world.thread()), return_exceptions=True
        )
        assert isinstance(flooded, MessageTooLarge)
        assert isinstance(served, dict)
    assert len(server.processes) == 1


async def test_garbage_on_stdout_is_noted_and_skipped() -> None:
    def chatters(process: FakeProcess, message: Message) -> None:
        process.says_raw(b"Listening on port 3000\n{not json}\n")
        process.answers(message, result("fine"))

    server = FakeServer("fake", acts={"tools/call": chatters})
    async with World(server) as world:
        assert await call(world.thread()) == "fine"
        assert "Listening on port 3000" in "".join(world.backend().status().notes)


async def test_half_an_answer_and_then_the_end_is_an_unknown_outcome() -> None:
    def breaks_off(process: FakeProcess, message: Message) -> None:
        process.says_raw(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"ty' % message["id"])
        world.loop.call_later(0.1, process.exit, 1)

    server = FakeServer("fake", acts={"tools/call": breaks_off})
    async with World(server) as world:
        with pytest.raises(CallOutcomeUnknown):
            await call(world.thread())


async def test_an_answer_that_was_in_the_pipe_at_the_exit_still_counts() -> None:
    def answers_and_exits(process: FakeProcess, message: Message) -> None:
        process.answers(message, result("done"))
        world.loop.call_later(0.002, process.exit, 0)

    server = FakeServer("fake", acts={"tools/call": answers_and_exits})
    async with World(server) as world:
        assert await call(world.thread()) == "done"


async def test_the_clock_of_a_call_stands_still_while_its_own_thread_is_asked() -> None:
    """Routing, rule (h)."""
    server = FakeServer("fake", tools=[tool("ask")], acts={"tools/call ask": _asks})
    ear = Ear()
    ear.answer = None
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives("tools/call")
        await world.passes(1000.0)
        assert not calling.done()
        (asked,) = server.got("tools/call")
        server.process.answers(asked, result("yes"))
        assert await calling == "yes"


async def test_a_question_that_nobody_answers_ends_in_time() -> None:
    server = FakeServer("fake", tools=[tool("ask")], acts={"tools/call ask": _asks})
    ear = Ear()
    ear.answer = None
    async with World(server, configs=[config(question_timeout=50.0)]) as world:
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives("tools/call")
        await world.passes(49.0)
        assert (ear.withdrawn, server.process.asked) == (0, [])
        await world.passes(2.0)
        (told,) = server.process.asked
        assert told["error"] == {"code": -32001, "message": "nobody answered within 50 s"}
        assert ear.withdrawn == 1
        (asked,) = server.got("tools/call")
        server.process.answers(asked, result("without"))
        assert await calling == "without"


async def test_the_clock_of_everybody_else_goes_on() -> None:
    """Routing, rule (h)."""
    server = FakeServer(
        "fake", tools=[tool("ask"), tool("hang")], acts={"tools/call ask": _asks, "tools/call hang": nothing}
    )
    ear = Ear()
    ear.answer = None
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        asking = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives("tools/call")
        await world.passes(1.0)
        assert len(ear.questions) == 1
        begun = world.loop.time()
        with pytest.raises(CallTimeout):
            await call(world.thread(), "hang")
        assert world.loop.time() - begun == pytest.approx(10.0)
        assert not asking.done()
        asking.cancel()


async def test_the_clock_of_a_call_goes_on_once_its_thread_has_answered() -> None:
    server = FakeServer("fake", tools=[tool("ask")], acts={"tools/call ask": _asks})
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        with pytest.raises(CallTimeout):
            await call(world.thread(Ear()), "ask")
        assert world.loop.time() == pytest.approx(10.0, abs=0.5)


async def test_a_reconnect_ends_calls_in_flight_by_the_rules_of_a_lost_connection() -> None:
    """H9"""
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread()))
        await server.receives("tools/call")
        await world.pool.reconnect("fake")
        with pytest.raises(CallOutcomeUnknown):
            await calling
        assert world.backend().state is State.READY
        assert len(server.running) == 1


async def test_lists_are_read_through_the_same_rules_as_calls() -> None:
    """H1: a listing of resources heals, and does not wait for ever."""
    server = FakeServer("fake", acts={"resources/list": nothing})
    async with World(server, configs=[config(tool_timeout=10.0)]) as world:
        thread = world.thread()
        await thread.ready()
        server.process.dies_silently()
        async with thread.step() as step:
            with pytest.raises(CallTimeout):
                await step.resources("fake")
    assert len(server.processes) == 2


async def test_a_listing_that_loses_its_server_is_an_error_of_ours() -> None:
    server = FakeServer("fake", acts={"resources/list": exits})
    async with World(server) as world, world.thread().step() as step:
        with pytest.raises((CallOutcomeUnknown, ServerUnavailable)):
            await step.resources("fake")


def _asks(process: FakeProcess, message: Message) -> None:
    process.asks("elicitation/create", {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}})
