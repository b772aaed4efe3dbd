"""What a model is told with each step (S5)."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.threads.facts import ThreadFacts
from mcpool.threads.thread import Thread
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import EnvironmentFacts, Surroundings
from support.fake_server import FakeServer, tool
from support.world import World, call


async def told(thread: Thread, retained: list[str] | None = None) -> str:
    async with thread.step() as step:
        return thread.news(step, retained=retained).text


async def test_servers_are_told_with_the_first_step_and_not_again() -> None:
    async with World(FakeServer("git"), FakeServer("db", tools=[tool("a"), tool("b")])) as world:
        thread = world.thread()
        first = await told(thread)
        assert "- db: 2 tools" in first
        assert "- git: 1 tool" in first
        assert await told(thread) == ""


async def test_a_server_that_is_slow_is_told_when_it_has_come() -> None:
    server = FakeServer("fake", slow_start=5.0)
    async with World(server) as world:
        thread = world.thread()
        assert "- fake: still starting" in await told(thread)
        await thread.ready()
        assert "Servers that changed:\n- fake: 1 tool" in await told(thread)


async def test_a_restart_is_told_once() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        thread = world.thread()
        await told(thread)
        await call(thread)
        server.process.exit(1)
        await world.settles()
        assert "what they kept in memory is lost:\n- fake" in await told(thread)
        assert await told(thread) == ""


async def test_what_left_the_history_is_told_again() -> None:
    async with World(FakeServer("fake")) as world:
        thread = world.thread()
        first = await told(thread)
        assert await told(thread, retained=[]) == first
        assert await told(thread, retained=["tools"]) == ""


async def test_what_surrounds_a_thread_and_sections_of_the_program_are_told() -> None:
    class Weather:
        id = "weather"

        def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
            return {"now": str(surroundings.more["weather"])}

        def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
            return None if previous == now else f"It is {now['now']}."

    def around(thread: ThreadFacts) -> Surroundings:
        return Surroundings(environments={"local": EnvironmentFacts("ready", thread.cwd)}, more={"weather": "wet"})

    async with World(FakeServer("fake"), sections=[Weather()], around=around) as world:
        text = await told(world.thread(cwd="/srv"))
    assert "- local: ready, cwd /srv" in text
    assert text.endswith("It is wet.")
