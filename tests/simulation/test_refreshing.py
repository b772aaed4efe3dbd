"""How a thread comes from one runtime to the next, where resolving takes time (S3, invariants 3 to 5)."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from mcpool.catalog.connector import Connector
from mcpool.config.server import ServerConfig, Stdio
from mcpool.errors import Closed, ServerUnavailable
from mcpool.runtime.approval import Authority
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.threads.facts import ThreadFacts
from support.fake_server import FakeServer
from support.world import World, call, config

ECHO = "mcp__fake__echo"


@dataclass(frozen=True)
class Owned:
    """A projection in which it counts who contributed the servers."""

    servers: tuple[ServerConfig, ...]
    owner: str
    restriction: None = None
    connectors: Sequence[Connector] = ()
    plugins: Mapping[str, str] = field(default_factory=dict[str, str])
    chosen: Collection[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict[str, str])


class SlowProjector:
    """Takes a while to look things up, or fails."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.owner = "configuration"
        self.fails: Exception | None = None
        self.resolved: list[tuple[str, tuple[str, ...]]] = []
        """Thread, and what was configured."""

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projected:
        pairs = (server.transport.env for server in servers if isinstance(server.transport, Stdio))
        values = tuple(value for env in pairs for _, value in env)
        self.resolved.append((thread.id, values))
        await asyncio.sleep(self.takes)
        if self.fails is not None:
            raise self.fails
        return Owned(tuple(server for server in servers if server.enabled), self.owner)


def configured(value: str) -> list[ServerConfig]:
    return [config(env=(("V", value),))]


async def test_a_step_begins_when_what_changed_before_it_is_taken_over() -> None:
    projector = SlowProjector(takes=3.0)
    async with World(FakeServer("fake"), configs=configured("a"), projector=projector) as world:
        thread = world.thread()
        assert (await call(thread))["pid"] == 1000
        world.threads.apply(configured("b"))
        assert (await call(thread))["pid"] == 1001
    assert projector.resolved == [("t1", ("a",)), ("t1", ("b",))]


async def test_capturing_does_not_wait_and_sees_the_old_one_whole() -> None:
    """S1, S3"""
    async with World(FakeServer("fake"), configs=configured("a"), projector=SlowProjector(takes=3.0)) as world:
        thread = world.thread()
        with pytest.raises(Closed, match=r"thread\.refresh"):
            thread.capture()
        await call(thread)
        world.threads.apply(configured("b"))
        with thread.capture() as step:
            await world.passes(10.0)
            assert '"pid": 1000' in (await step.call(ECHO)).for_model()
        assert (await call(thread))["pid"] == 1001


async def test_of_changes_while_one_is_taken_over_only_the_last_is() -> None:
    """Scenario R10."""
    projector = SlowProjector()
    async with World(FakeServer("fake"), configs=configured("start"), projector=projector) as world:
        thread = world.thread()
        await thread.refresh()
        projector.takes = 3.0
        for value in "ABC":
            world.threads.apply(configured(value))
            await world.passes(0.5)
        await call(thread)
    assert [values for _, values in projector.resolved] == [("start",), ("A",), ("C",)]


async def test_a_storm_of_changes_starts_only_what_the_first_and_the_last_want() -> None:
    server, projector = FakeServer("fake"), SlowProjector()
    settings = replace(config(idle_timeout=0.0), start="eager")

    def configured_eagerly(value: int) -> list[ServerConfig]:
        return [replace(settings, transport=replace(settings.transport, env=(("V", str(value)),)))]

    async with World(server, configs=configured_eagerly(0), projector=projector) as world:
        thread = world.thread()
        await call(thread)
        projector.takes = 1.0
        for value in range(1, 101):
            world.threads.apply(configured_eagerly(value))
            await world.settles()
        await call(thread)
        assert len(server.running) == 1
    assert [values for _, values in projector.resolved] == [("0",), ("1",), ("100",)]
    assert len(server.processes) == 3


async def test_a_step_that_is_cancelled_while_it_is_resolved_leaves_it_to_the_next() -> None:
    async with World(FakeServer("fake"), configs=configured("a"), projector=SlowProjector(takes=3.0)) as world:
        thread = world.thread()
        beginning = asyncio.create_task(call(thread))
        await world.passes(1.0)
        beginning.cancel()
        await asyncio.wait([beginning])
        assert (await call(thread))["pid"] == 1000


async def test_another_owner_of_the_same_servers_is_another_runtime_on_the_same_process() -> None:
    """U2"""
    server, projector = FakeServer("fake"), SlowProjector()
    async with World(server, projector=projector) as world:
        thread = world.thread()
        await call(thread)
        before, projector.owner = thread.runtime, "a plugin"
        world.threads.invalidate()
        await world.threads.settled()
        assert thread.runtime is not before
        assert (await call(thread))["pid"] == 1000


async def test_what_resolves_to_the_same_keeps_the_very_same_runtime() -> None:
    """U5"""
    server = FakeServer("fake")
    async with World(server, projector=SlowProjector(takes=1.0)) as world:
        thread = world.thread()
        await call(thread)
        before = thread.runtime
        for _ in range(3):
            world.threads.invalidate()
            await world.threads.settled()
        assert thread.runtime is before
        assert world.backend().holders.leases == 1


async def test_a_projection_that_fails_is_told_to_who_takes_a_step_and_tried_again_by_the_next() -> None:
    projector = SlowProjector()
    async with World(FakeServer("fake"), projector=projector) as world:
        projector.fails = ServerUnavailable("fake", "its plugin cannot be read")
        thread = world.thread()
        with pytest.raises(ServerUnavailable, match="plugin"):
            await call(thread)
        with pytest.raises(ServerUnavailable, match="plugin"):
            thread.capture()
        projector.fails = None
        assert (await call(thread))["pid"] == 1000


async def test_one_that_fails_later_leaves_those_who_only_capture_with_the_runtime_that_they_have() -> None:
    projector = SlowProjector()
    async with World(FakeServer("fake"), projector=projector) as world:
        thread = world.thread()
        await thread.ready()
        projector.fails = ServerUnavailable("fake", "its plugin cannot be read")
        world.threads.invalidate()
        await world.threads.settled()
        with thread.capture() as step:
            await step.call(ECHO)


async def test_a_thread_that_is_closed_while_it_resolves_leases_nothing() -> None:
    server = FakeServer("fake")
    async with World(server, projector=SlowProjector(takes=3.0)) as world:
        thread = world.thread()
        beginning = asyncio.create_task(call(thread))
        await world.passes(1.0)
        await thread.close()
        with pytest.raises(Closed):
            await beginning
        assert list(world.pool) == []


async def test_a_thread_that_is_slow_to_resolve_holds_up_no_other() -> None:
    class SlowForOne(SlowProjector):
        async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projected:
            self.takes = 1000.0 if thread.id == "slow" else 0.0
            return await super().project(servers, thread)

    async with World(FakeServer("fake"), projector=SlowForOne()) as world:
        world.thread(id="slow")
        began = world.loop.time()
        await call(world.thread())
        assert world.loop.time() - began < 1.0


async def test_a_policy_is_replaced_as_a_whole_and_a_running_step_keeps_its_own() -> None:
    asked: list[str] = []
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        thread.set_policy(Policy(Authority(default_mode="prompt"), lambda request: not asked.append("old")))
        async with thread.step() as step:
            thread.set_policy(Policy(Authority(default_mode="prompt"), lambda request: not asked.append("new")))
            await step.call(ECHO)
            await call(thread)
            await step.call(ECHO)
    assert asked == ["old", "new", "old"]


async def test_no_decision_mixes_two_policies() -> None:
    """The mode of one never goes with the answers of another."""
    mixed: list[str] = []

    def never(request: object) -> bool:
        mixed.append("asked although all is approved")
        return True

    all_approved = Policy(Authority(default_mode="approve"), never)
    all_refused = Policy(Authority(default_mode="prompt"), lambda request: False)
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()

        async def once() -> tuple[Policy, bool]:
            async with thread.step() as step:
                prepared = step.prepare(ECHO)
                await world.passes(0.001)
                try:
                    await prepared.run()
                except PermissionError:
                    return prepared.policy, False
                return prepared.policy, True

        async def alternate() -> None:
            for number in range(200):
                thread.set_policy((all_approved, all_refused)[number % 2])
                await world.passes(0.0007)

        alternating = asyncio.create_task(alternate())
        outcomes = await asyncio.gather(*(once() for _ in range(50)))
        await alternating
    assert mixed == []
    assert {ran for policy, ran in outcomes if policy == all_approved} <= {True}
    assert {ran for policy, ran in outcomes if policy == all_refused} <= {False}


async def test_a_step_that_nobody_releases_warns_with_where_it_was_begun_and_lets_go() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[config(idle_timeout=0.0)]) as world:
        thread = world.thread()
        await thread.ready()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            forgotten = thread.capture()
            assert thread.pins == 1
            del forgotten
            gc.collect()
        await world.settles()
        assert thread.pins == 0
        (warning,) = (each for each in caught if each.category is ResourceWarning)
        assert warning.filename == __file__
        assert "never released" in str(warning.message)
        world.threads.apply([])
        await world.passes(1.0)
        assert not server.running
