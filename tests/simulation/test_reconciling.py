"""What a changed configuration does to servers that run, start or failed: those that stay equal are left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mcpool.catalog.contribution import Contribution, Owner, Source
from mcpool.config.server import ServerConfig
from mcpool.errors import AuthRequired
from mcpool.runtime.approval import Authority
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.threads.facts import ConfigurationAlone, ThreadFacts
from mcpool.threads.thread import Thread
from support.everybody import Everybody
from support.fake_server import FakeProcess, FakeServer, nothing, tool
from support.world import World, call, config, shown

ECHO = "mcp__fake__echo"


def pids(server: FakeServer) -> list[int | None]:
    """The processes that run."""
    return [process.pid for process in server.running]


def variant(value: str, **settings: Any) -> ServerConfig:
    """Definitions of one name that differ."""
    return config(env=(("V", value),), **settings)


# ---------------------------------------------------------------------- what is equal


async def test_an_equal_server_is_neither_listed_again_nor_waited_for() -> None:
    """Scenario R1. Nobody was told that its list is another one now, and it does not answer when it is asked."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        async with thread.step() as old:
            server.tools, server.acts["tools/list"] = [tool("echo"), tool("more")], nothing
            world.configure("fake", tool_timeout=7.0)
            began = world.loop.time()
            async with thread.step() as new:
                assert list(old.tools) == list(new.tools) == [ECHO]
                assert new.binding("fake").lease.backend is old.binding("fake").lease.backend
            assert world.loop.time() == began
    assert len(server.got("tools/list")) == 1


async def test_a_server_that_starts_is_shared_by_the_next_runtime_which_waits_for_nothing() -> None:
    """Scenario R3. What the new runtime may see of it is less, and that is what it sees."""
    server = FakeServer("fake", tools=[tool("echo"), tool("other")], slow_start=20.0)
    async with World(server, grace=0.1) as world:
        thread = world.thread()
        async with thread.step():
            pass
        starting = world.backend()
        world.configure("fake", enabled_tools=("other",))
        began = world.loop.time()
        await thread.refresh()
        assert world.loop.time() == began
        assert world.backend() is starting
        await thread.ready()
        assert shown(thread) == ["mcp__fake__other"]
    assert len(server.processes) == 1


async def test_an_environment_that_becomes_ready_does_not_disturb_a_start() -> None:
    """Scenario R11. One `initialize` and one list, and its tools are there when it is."""
    gated, other = FakeServer("gated", slow_start=20.0), FakeServer("box")
    kit = Owner(Source.PLUGIN, "kit")
    all_ = Everybody([Contribution(Owner(Source.USER), config("gated", scope="thread"))])
    async with World(gated, other, projector=all_, grace=0.1) as world:
        thread = world.thread()
        async with thread.step() as step:
            assert step.tools.pending == ("gated",)
        all_.environments = {"box": 1}
        all_.contributions.append(Contribution(kit, config("box", environment_id="box")))
        thread.invalidate()
        began = world.loop.time()
        async with thread.step() as step:
            assert list(step.tools) == ["mcp__box__echo"]
        assert world.loop.time() - began < 0.2
        await thread.ready()
        assert shown(thread) == ["mcp__box__echo", "mcp__gated__echo"]
    assert (len(gated.got("initialize")), len(gated.got("tools/list"))) == (1, 1)


@pytest.mark.parametrize("change", ["time", "mode"])
async def test_what_decides_on_starts_and_questions_counts_without_a_restart(change: str) -> None:
    """Scenario R8. Its time to start, and who is asked about its calls."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        running = world.backend()
        if change == "time":
            world.configure("fake", startup_timeout=99.0)
            await thread.refresh()
            assert running.terms.startup_timeout == 99.0
        else:
            thread.set_policy(Policy(Authority("never", default_mode="prompt")))
            async with thread.step() as step:
                assert step.prepare(ECHO).policy.authority.policy == "never"
        assert world.backend() is running
    assert len(server.processes) == 1


# ---------------------------------------------------------------------- what is not


@pytest.mark.parametrize("disabled", [True, False], ids=["disabled", "taken out"])
async def test_a_start_that_nobody_wants_any_more_is_broken_off(disabled: bool) -> None:
    """Scenario R4. Two threads began it, and it ends with the later of them."""
    server = FakeServer("fake", slow_start=60.0)
    async with World(server, grace=0.1, configs=[config(startup_timeout=120.0)]) as world:
        first, second = world.thread(), world.thread()
        for thread in (first, second):
            async with thread.step():
                pass
        assert pids(server) == [1000]
        with second.capture():
            world.threads.apply([config(enabled=False)] if disabled else [])
            await world.threads.settled()
            await world.settles()
            assert pids(server) == [1000]
        await world.settles()
        assert pids(server) == []
        assert list(world.pool) == []
    assert server.got("tools/list") == []


async def test_a_server_that_did_not_let_us_in_is_tried_again_when_the_configuration_is_applied() -> None:
    """Scenario R5. Though it is the same: whoever applies it may have mended what was wrong elsewhere."""

    class Rejecting(FakeServer):
        rejects = True

        async def open(self, sink: Any) -> FakeProcess:
            if self.rejects:
                raise AuthRequired(self.name, "does not take this bearer token")
            return await super().open(sink)

    server = Rejecting("fake")
    async with World(server) as world:
        thread = world.thread()
        assert isinstance((await thread.ready())["fake"], AuthRequired)
        server.rejects = False
        async with thread.step() as step:
            assert list(step.tools) == [], "it was refused a moment ago"
        world.threads.apply(world.threads.servers)
        async with thread.step() as step:
            assert list(step.tools) == [ECHO]


async def test_a_connection_that_was_closed_is_replaced_whoever_reconciles() -> None:
    """Scenario R6. Nobody has to: a new one is there before the next step, and an apply of the same starts no other."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await thread.ready()
        server.process.exit(1)
        await world.passes(1.0)
        assert pids(server) == [1001]
        world.threads.apply(world.threads.servers)
        assert (await call(thread))["pid"] == 1001


@pytest.mark.parametrize(
    "changed",
    [config(args=("--other",)), config(cwd="/elsewhere"), config(era="handshake"), config(client_capabilities="none")],
    ids=["arguments", "folder", "era", "capabilities"],
)
async def test_whatever_a_connection_depends_on_makes_it_another_one(changed: ServerConfig) -> None:
    """Scenario R7."""
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        assert (await call(thread))["pid"] == 1000
        world.threads.apply([changed])
        assert (await call(thread))["pid"] == 1001
        await world.settles()
        assert pids(server) == [1001]


async def test_a_replaced_process_ends_with_its_last_holder_whatever_it_is_given_to_idle() -> None:
    """S4, invariant 4."""
    server = FakeServer("fake")
    async with World(server, configs=[variant("a", idle_timeout=1000.0)]) as world:
        first, second = world.thread(), world.thread()
        await asyncio.gather(first.ready(), second.ready())
        held = [first.capture(), second.capture()]
        world.threads.apply([variant("b", idle_timeout=1000.0)])
        assert (await call(first))["pid"] == 1001
        for step in held:
            await world.passes(2000.0)
            assert pids(server) == [1000, 1001]
            step.release()
        await world.settles()
        assert pids(server) == [1001]


@pytest.mark.parametrize("after", [[], [config(enabled=False)], [variant("b")]], ids=["gone", "disabled", "changed"])
async def test_one_that_only_idles_ends_with_its_definition(after: list[ServerConfig]) -> None:
    server = FakeServer("fake")
    async with World(server, configs=[variant("a") if after == [variant("b")] else config()]) as world:
        async with world.thread() as thread:
            await thread.ready()
        await world.passes(10.0)
        assert pids(server) == [1000]
        world.threads.apply(world.threads.servers)
        await world.settles()
        assert pids(server) == [1000], "it is configured as before"
        world.threads.apply(after)
        await world.settles()
        assert pids(server) == []


async def test_one_that_is_wanted_again_meanwhile_is_kept_and_may_idle_as_before() -> None:
    """A change that is taken back."""
    server = FakeServer("fake")
    async with World(server, configs=[variant("a")]) as world:
        thread = world.thread()
        await thread.ready()
        with thread.capture():
            for value in ("b", "a"):
                world.threads.apply([variant(value)])
                await world.threads.settled()
        assert (await call(thread))["pid"] == 1000
        await thread.close()
        await world.passes(10.0)
        assert (await call(world.thread()))["pid"] == 1000


# ---------------------------------------------------------------------- when it is taken over


async def test_who_reads_a_resource_does_so_in_the_runtime_of_now() -> None:
    """Scenario R12. Out of any turn, of a server that came while nobody did anything."""
    resource = {"contents": [{"uri": "file:///a", "text": "here"}]}
    new = FakeServer("new", acts={"resources/read": lambda process, message: process.answers(message, resource)})
    async with World(FakeServer("fake"), new, configs=[config()]) as world:
        thread = world.thread()
        await thread.ready()
        world.threads.apply([config(), config("new")])
        async with thread.step() as step:
            assert (await step.read_resource("new", "file:///a"))["contents"] == resource["contents"]


async def test_who_subscribes_does_so_in_the_runtime_of_now() -> None:
    """Scenario R12."""
    new = FakeServer("new", capabilities={"resources": {"subscribe": True}})
    all_ = Everybody([])
    async with World(new, projector=all_) as world:
        thread = world.thread()
        await thread.refresh()
        all_.contributions = [Contribution(Owner(Source.USER), config("new"))]
        thread.invalidate()
        await thread.subscribe("new", "file:///a")
    assert len(new.got("resources/subscribe")) == 1


CHANGES: dict[str, Callable[[World, Thread], None]] = {
    "policy": lambda world, thread: thread.set_policy(Policy()),
    "authority": lambda world, thread: thread.set_authority(Authority("never")),
    "sandbox": lambda world, thread: thread.set_sandbox_state({"mode": "read-only"}),
    "configuration": lambda world, thread: world.configure("fake", tool_timeout=7.0),
    "reload": lambda world, thread: world.threads.reload(),
    "environment": lambda world, thread: world.threads.invalidate(),
}


class Counting(ConfigurationAlone):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projected:
        self.asked += 1
        return await super().project(servers, thread)


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_is_taken_over_without_anybody_asking(change: str) -> None:
    """Scenario R13. Before the next step at the latest, and by itself if there is none."""
    projector = Counting()
    async with World(FakeServer("fake"), projector=projector) as world:
        thread = world.thread()
        await thread.ready()
        before, runtime = projector.asked, thread.runtime
        CHANGES[change](world, thread)
        await thread.settled()
        assert projector.asked == before + 1
        assert (thread.runtime is runtime) == (change == "environment")
