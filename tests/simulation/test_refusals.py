"""Requests that an endpoint does not let in: for now, or for want of credentials."""

from __future__ import annotations

from typing import Any

import pytest

from mcpool.backend.lifecycle import State
from mcpool.backend.revival import AUTH_PAUSE
from mcpool.errors import AuthRequired, CallOutcomeUnknown, CallTimeout, RpcError, ServerUnavailable
from support.fake_server import Act, FakeProcess, FakeServer, Message, tool
from support.world import World, call, config


def at_first(times: int, then: Act, act: Act) -> Act:
    """Do `act` so many times, and `then` what follows."""
    left = times

    def acting(process: FakeProcess, message: Message) -> None:
        nonlocal left
        left -= 1
        (act if left >= 0 else then)(process, message)

    return acting


def answers(process: FakeProcess, message: Message) -> None:
    process.answers(message, {"content": [{"type": "text", "text": '"let in"'}]})


def throttles(process: FakeProcess, message: Message) -> None:
    process.refuses_by_http(message, 429, retryAfter="2")


async def test_a_throttled_call_is_sent_again_when_the_server_says() -> None:
    """H4: it provably did not run."""
    server = FakeServer("fake", acts={"tools/call": at_first(1, answers, throttles)})
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        assert await call(thread) == "let in"
        assert 2.0 <= world.loop.time() - begun < 2.1


async def test_a_call_that_is_throttled_twice_is_given_up() -> None:
    server = FakeServer("fake", acts={"tools/call": throttles})
    async with World(server) as world:
        with pytest.raises(RpcError, match="HTTP 429"):
            await call(world.thread())
    assert len(server.got("tools/call")) == 2


async def test_a_call_does_not_wait_longer_than_its_time_to_be_let_in() -> None:
    server = FakeServer("fake", acts={"tools/call": throttles})
    async with World(server, configs=[config(tool_timeout=1.0)]) as world:
        thread = world.thread()
        await thread.ready()
        begun = world.loop.time()
        with pytest.raises((RpcError, CallTimeout)):
            await call(thread)
        assert world.loop.time() - begun <= 1.0
    assert len(server.got("tools/call")) == 1


@pytest.mark.parametrize(
    ("annotations", "calls", "outcome"),
    [
        ({}, 1, CallOutcomeUnknown),
        ({"idempotentHint": True}, 2, CallOutcomeUnknown),
        ({"readOnlyHint": True}, 2, RpcError),
    ],
)
async def test_a_failure_on_the_way_is_tried_again_only_where_twice_does_no_harm(
    annotations: Message, calls: int, outcome: type[Exception]
) -> None:
    """Invariant 6: and whoever may have changed something is told that, with what the server answered."""

    def fails(process: FakeProcess, message: Message) -> None:
        process.refuses_by_http(message, 500)

    server = FakeServer("fake", tools=[tool("echo", annotations=annotations)], acts={"tools/call": fails})
    async with World(server) as world:
        with pytest.raises(outcome, match="HTTP 500"):
            await call(world.thread())
        assert world.backend().state is State.READY
    assert len(server.got("tools/call")) == calls


WANTED = "wants you to sign in: run `mcpool auth fake`"


class Guarded(FakeServer):
    """Lets nobody in without credentials."""

    signed_in = False

    async def open(self, sink: Any) -> FakeProcess:
        if not self.signed_in:
            raise AuthRequired("fake", WANTED)
        return await super().open(sink)


async def test_a_server_that_wants_credentials_says_so_and_is_tried_by_each_call_alone() -> None:
    """H2: `auth_required` is a state, and costs none of the budget."""
    server = Guarded("fake")
    async with World(server) as world:
        backend = await world.backend_of_new_thread()
        for _ in range(10):
            with pytest.raises(AuthRequired, match="mcpool auth fake"):
                await backend.connected()
        assert backend.state is State.AUTH_REQUIRED
        attempts = backend.generation
        await world.passes(600.0)
        assert backend.generation == attempts
        server.signed_in = True
        assert (await backend.connected()).alive


async def test_steps_look_whether_somebody_has_signed_in_but_not_all_the_time() -> None:
    """Scenario R13."""
    server = Guarded("fake")
    async with World(server) as world:
        thread = world.thread()
        for _ in range(20):
            async with thread.step():
                pass
        assert world.backend().generation == 1
        server.signed_in = True
        await world.passes(AUTH_PAUSE)
        async with thread.step():
            await world.passes(1.0)
        async with thread.step() as step:
            assert list(step.tools) == ["mcp__fake__echo"]


async def test_a_token_that_is_revoked_while_it_runs_ends_in_the_same_state() -> None:
    def revoked(process: FakeProcess, message: Message) -> None:
        process.refuses_in_our_words(message, AuthRequired("fake", WANTED))

    server = FakeServer("fake", acts={"tools/call": at_first(1, answers, revoked)})
    async with World(server) as world:
        thread = world.thread()
        with pytest.raises(ServerUnavailable, match="mcpool auth fake"):
            await call(thread)
        assert world.backend().state is State.AUTH_REQUIRED
        await world.passes(60.0)
        assert len(server.processes) == 1, "it waits for a person, and for who calls it"
        assert await call(thread) == "let in"
