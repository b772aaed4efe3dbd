"""What a change of contributions and environments does to a running thread: nothing, or just what it must (U1-U6)."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from mcpool.catalog.connector import Connector
from mcpool.catalog.contribution import Contribution, Owner, Source
from mcpool.catalog.projection import Bound, Projection
from mcpool.config.server import LOCAL
from mcpool.threads.thread import Thread
from support.everybody import Everybody
from support.fake_server import FakeServer, nothing
from support.virtual_time import VirtualTimeLoop
from support.world import World, call, config

HISTORIES = 150
NAMES = ("a", "b", "c")
USER, KIT, OTHER = Owner(Source.USER), Owner(Source.PLUGIN, "kit"), Owner(Source.PLUGIN, "other")


def contributed(owner: Owner, name: str, **settings: Any) -> Contribution:
    return Contribution(owner, config(name, start="eager", idle_timeout=0.0, **settings))


async def taken_over(thread: Thread) -> None:
    thread.invalidate()
    async with thread.step():
        pass


async def test_an_environment_with_skills_alone_leaves_runtime_process_and_calls_as_they_are() -> None:
    """U5, U6: `[] -> [skills-env]` with `{global} -> {global}` and `{} -> {}`."""
    server = FakeServer("global", acts={"tools/call": nothing})
    all_ = Everybody([contributed(USER, "global")])
    async with World(server, projector=all_) as world:
        thread = world.thread()
        await thread.ready()
        runtime, process = thread.runtime, server.process
        calling = asyncio.create_task(call(thread, server="global"))
        await server.receives("tools/call")
        all_.environments = {"skills-env": 1}
        await taken_over(thread)
        assert thread.runtime is runtime
        assert server.running == [process]
        process.answers(server.got("tools/call")[0], {"content": [{"type": "text", "text": "7"}]})
        assert await calling == 7


async def test_another_owner_is_another_runtime_with_the_same_process() -> None:
    """U2."""
    server = FakeServer("a")
    all_ = Everybody([contributed(USER, "a")])
    async with World(server, projector=all_) as world:
        thread = world.thread()
        await thread.ready()
        runtime = thread.runtime
        all_.contributions = [contributed(KIT, "a")]
        await taken_over(thread)
        assert thread.runtime is not runtime
        assert len(server.processes) == 1


async def test_other_connectors_are_another_runtime_with_the_same_process() -> None:
    """U3."""
    server = FakeServer("a")
    all_ = Everybody([contributed(USER, "a")])
    async with World(server, projector=all_) as world:
        thread = world.thread()
        await thread.ready()
        runtime = thread.runtime
        all_.connectors = [Connector("mail", "kit")]
        await taken_over(thread)
        assert thread.runtime is not runtime
        assert len(server.processes) == 1


def drawn(draw: random.Random) -> Contribution:
    return contributed(
        draw.choice((USER, KIT, OTHER)),
        draw.choice(NAMES),
        args=(draw.choice(("1", "2")),),
        enabled=draw.random() < 0.8,
        tool_timeout=draw.choice((10.0, 20.0)),
        environment_id=draw.choice((LOCAL, LOCAL, "box")),
    )


def changed(draw: random.Random, all_: Everybody) -> None:
    match draw.randrange(6):
        case 0:
            all_.contributions.append(drawn(draw))
        case 1 if all_.contributions:
            all_.contributions.pop(draw.randrange(len(all_.contributions)))
        case 2:
            draw.shuffle(all_.contributions)
        case 3:
            all_.environments = {name: draw.randint(1, 2) for name in ("box", "cloud") if draw.random() < 0.5}
        case 4:
            all_.connectors = [Connector(id, "kit") for id in ("mail", "chat") if draw.random() < 0.5]
        case _:
            pass  # somebody only says that something changed


def wanted(projection: Projection) -> dict[tuple[str, Any, Bound | None], None]:
    """The processes that a projection needs: one for each name, definition and connection to where it is to run."""
    return {(one.server.name, one.server.transport, one.bound): None for one in projection.winners if one.available}


async def live(seed: int) -> None:
    draw = random.Random(seed)
    servers = [FakeServer(name) for name in NAMES]
    all_ = Everybody([drawn(draw) for _ in range(3)])
    async with World(*servers, projector=all_) as world:
        thread = world.thread()
        await thread.ready()
        for _ in range(12):
            before, runtime = all_.resolved(), thread.runtime
            started = sum(len(server.processes) for server in servers)
            changed(draw, all_)
            world.handles = all_.environments
            await taken_over(thread)
            await thread.ready()
            await world.passes(5.0)
            after = all_.resolved()
            assert (thread.runtime is runtime) == (after == before), f"{before} -> {after}"
            new = wanted(after).keys() - wanted(before).keys()
            assert sum(len(server.processes) for server in servers) - started == len(new)
            assert sum(len(server.running) for server in servers) == len(wanted(after))


def test_equal_projections_keep_the_runtime_and_others_restart_just_what_changed() -> None:
    """U1-U5, invariant 5."""
    for seed in range(HISTORIES):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            try:
                runner.run(live(seed))
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
