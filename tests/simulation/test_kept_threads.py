"""A thread that goes on in another host: what its model is told there (Scenario S1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from mcpool.threads.facts import ThreadFacts
from mcpool.threads.kept import Kept, read
from mcpool.threads.thread import Thread
from mcpool.world.mentioned_skills import LONGEST
from mcpool.world.surroundings import SkillFacts, SkillText, Surroundings
from support.fake_server import FakeServer
from support.world import World, call

TEXT = "Look twice. " * LONGEST


class Skills:
    """There is one, while it is there."""

    def __init__(self) -> None:
        self.there = True

    def around(self, thread: ThreadFacts) -> Surroundings:
        return Surroundings(skills={"review": SkillFacts("How to review.", "/s/SKILL.md")} if self.there else {})

    async def read(self, thread: ThreadFacts, names: Collection[str]) -> Mapping[str, SkillText]:
        return {"review": SkillText(TEXT, "/s/SKILL.md")} if self.there and "review" in names else {}


async def told(thread: Thread, *mentions: str, retained: list[str] | None = None) -> str:
    async with thread.step(mentions=mentions) as step:
        return thread.news(step, retained=retained).text


def kept(thread: Thread) -> Kept:
    """As a program would store it."""
    return read(json.loads(json.dumps(thread.kept())))


def host(skills: Skills | None = None, **server: Any) -> World:
    skills = skills or Skills()
    return World(FakeServer("fake", **server), around=skills.around, read_skills=skills.read)


async def before(*mentions: str, used: bool = False) -> Kept:
    """What a thread of an earlier host keeps."""
    async with host() as world:
        thread = world.thread()
        await told(thread, *mentions)
        if used:
            await call(thread)
        return kept(thread)


async def test_what_was_told_is_not_told_again() -> None:
    past = replace(await before("review"), ran=())  # as if the processes lived on
    async with host() as world:
        thread = world.thread(kept=past)
        assert thread.id == "t1"
        assert await told(thread, "review") == ""
        assert kept(thread).world == past.world


async def test_what_its_processes_had_in_memory_is_told_to_be_lost_once() -> None:
    past = await before(used=True)
    async with host() as world:
        thread = world.thread(kept=past)
        assert "what they kept in memory is lost:\n- fake" in await told(thread)
        assert await told(thread) == ""
        server = world.servers["fake"]
        await call(thread)
        server.process.exit(1)
        await world.settles()
        assert "what they kept in memory is lost:\n- fake" in await told(thread)


async def test_a_loss_that_no_step_told_yet_is_kept() -> None:
    past = await before(used=True)
    async with host() as world:
        past = kept(world.thread(kept=past))
    async with host() as world:
        assert "is lost:\n- fake" in await told(world.thread(kept=past))


async def test_it_can_be_kept_again_and_again() -> None:
    past = await before(used=True)
    for _ in range(2):
        async with host() as world:
            thread = world.thread(kept=past)
            assert "is lost:\n- fake" in await told(thread)
            await call(thread)
            past = kept(thread)


async def test_a_skill_that_left_the_history_is_told_again_though_another_host_told_it() -> None:
    past = await before("review")
    async with host() as world:
        text = await told(world.thread(kept=past), retained=["tools"])
    assert "Look twice." in text
    assert text.count("the rest of it is in") == 1


async def test_a_skill_that_went_is_told_whole_again_when_it_is_named_again_and_not_before() -> None:
    past = await before("review")
    skills = Skills()
    skills.there = False
    async with host(skills) as world:
        thread = world.thread(kept=past)
        assert "none are available any more" in await told(thread, "review")
        skills.there = True
        assert "Look twice." not in await told(thread)
        assert "Look twice." in await told(thread, "review")
        assert await told(thread, "review") == ""


async def test_a_thread_that_was_closed_is_kept_all_the_same() -> None:
    async with host() as world:
        thread = world.thread()
        await told(thread)
        await call(thread)
        await thread.close()
        assert kept(thread).ran == ("fake",)
