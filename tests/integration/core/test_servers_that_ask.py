"""One real process that asks, shared by many threads (P7)."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcpool import ElicitAnswer, Elicitation
from mcpool.errors import CallTimeout
from mcpool.host import Host
from mcpool.threads.thread import Thread
from support.real_servers import OpenHost, servers

ASKING: dict[str, Any] = {
    "command": sys.executable,
    "args": ["-I", str(Path(__file__).parents[2] / "support" / "asking_process.py")],
    "cwd": "/",
}
THREADS = 6
CALLS = 240


class Person:
    """Remembers what it was asked; answers when it is free to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, elicitation: Elicitation) -> ElicitAnswer:
        self.asked.append(elicitation.message)
        self.is_asked.set()
        await self.may_answer.wait()
        return ElicitAnswer("accept", {})


async def opened(host: Host, person: Person) -> Thread:
    thread = host.thread(on_elicit=person)
    await thread.ready()
    return thread


async def work(thread: Thread, label: str, *script: Any, timeout: float | None = None) -> dict[str, Any]:
    async with thread.step() as step:
        result = await step.call("mcp__asking__work", {"label": label, "script": script}, timeout=timeout)
    return json.loads(result.for_model())


async def test_questions_of_interleaved_calls_reach_their_own_threads(open_host: OpenHost) -> None:
    """Also invariant 7."""
    host, draw = await open_host(servers(asking=ASKING)), random.Random(7)
    people = [Person() for _ in range(THREADS)]
    threads = [await opened(host, person) for person in people]
    assert (await work(threads[0], "0/first", "ask"))["actions"] == ["accept"]
    plan = [
        (draw.randrange(THREADS), [draw.choice((0.0, 0.001, 0.004, "ask")) for _ in range(draw.randint(0, 3))])
        for _ in range(CALLS)
    ]
    answers = await asyncio.gather(
        *(work(threads[who], f"{who}/{number}", *script) for number, (who, script) in enumerate(plan))
    )
    for number, ((who, script), answer) in enumerate(zip(plan, answers, strict=True)):
        assert answer["label"] == f"{who}/{number}"
        assert answer["actions"] == ["accept"] * script.count("ask")
    for who, person in enumerate(people):
        assert {label.split("/")[0] for label in person.asked} <= {str(who)}


async def test_questions_for_calls_that_were_given_up_reach_nobody_else(open_host: OpenHost) -> None:
    """Also invariant 7: callers leave and time out, while the server works on and asks on their behalf."""
    host, draw = await open_host(servers(asking=ASKING)), random.Random(11)
    people = [Person() for _ in range(THREADS)]
    threads = [await opened(host, person) for person in people]

    async def once(who: int, number: int) -> None:
        patience = draw.choice((0.002, 0.01, 0.03, 10.0))
        script = [draw.choice((0.001, 0.01, "ask")) for _ in range(draw.randint(1, 3))]
        with suppress(TimeoutError, CallTimeout):
            if number % 2:
                await asyncio.wait_for(work(threads[who], f"{who}/{number}", *script), patience)
            else:
                await work(threads[who], f"{who}/{number}", *script, timeout=patience)

    await asyncio.gather(*(once(draw.randrange(THREADS), number) for number in range(CALLS)))
    for who, person in enumerate(people):
        assert {label.split("/")[0] for label in person.asked} <= {str(who)}
    answers = await asyncio.gather(*(work(thread, f"{who}/last") for who, thread in enumerate(threads)))
    assert [answer["label"] for answer in answers] == [f"{who}/last" for who in range(THREADS)]


async def test_fifty_calls_of_other_threads_finish_while_somebody_is_asked(open_host: OpenHost) -> None:
    host, slow = await open_host(servers(asking=ASKING)), Person()
    slow.may_answer.clear()
    asked = asyncio.create_task(work(await opened(host, slow), "slow", "ask"))
    await slow.is_asked.wait()
    others = [await opened(host, Person()) for _ in range(50)]
    answers = await asyncio.gather(*(work(thread, str(n)) for n, thread in enumerate(others)))
    assert [answer["label"] for answer in answers] == [str(n) for n in range(50)]
    assert not asked.done()
    rows = [row for row in host.status() if row["pid"] is not None]
    assert len({row["pid"] for row in rows}) <= 9
    assert any("overflow" in why for row in rows for why in row["why"])
    slow.may_answer.set()
    assert (await asked)["actions"] == ["accept"]
    assert slow.asked == ["slow"]


async def test_a_server_that_asks_when_nobody_called_gets_a_process_for_each_thread(open_host: OpenHost) -> None:
    host, people = await open_host(servers(asking=ASKING)), [Person(), Person()]
    threads = [await opened(host, person) for person in people]
    shared = threads[1].runtime

    async def later(thread: Thread, label: str) -> int:
        async with thread.step() as step:
            return json.loads((await step.call("mcp__asking__later", {"label": label})).for_model())["pid"]

    await later(threads[0], "nobody's")
    while threads[1].runtime is shared:  # noqa: ASYNC110 (until its question has come)
        await asyncio.sleep(0.001)
    assert len({(await work(thread, "x"))["pid"] for thread in threads}) == 2
    assert [person.asked for person in people] == [[], []]
    await later(threads[1], "mine")
    await people[1].is_asked.wait()
    assert [person.asked for person in people] == [[], ["mine"]]
