"""A server that asks, shared by many threads: rules (a) to (h) of routing (P7, invariants 7 and 9)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from mcpool.backend.holder import Question
from mcpool.backend.routing import HOLD
from mcpool.errors import CallTimeout, ServerUnavailable
from mcpool.pool.lanes import OVERFLOW_IDLE
from mcpool.pool.turns import MOST_OVERFLOW, PATIENCE
from mcpool.threads.thread import Thread
from mcpool.wire.unanswered import CANCELLED_STAYS
from support.asking_server import AskingServer
from support.fake_server import FakeProcess, Message
from support.world import Ear, World, call, config


class Person(Ear):
    """Answers after a while, and remembers what it was asked."""

    def __init__(self, after: float = 0.0) -> None:
        super().__init__()
        self.after = after

    @property
    def labels(self) -> list[str]:
        return [msgspec.json.decode(question.params)["message"] for question in self.questions]

    async def on_question(self, question: Question) -> bytes:
        self.questions.append(question)
        try:
            await asyncio.sleep(self.after)
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise
        return b'{"action":"accept","content":{}}'


def begins(thread: Thread, label: str, *script: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(call(thread, "work", label=label, script=script))


def error_of(answer: dict[str, Any]) -> str:
    return answer["error"]["message"]


async def test_a_question_while_another_call_is_under_way_waits_for_that_and_reaches_its_thread() -> None:
    """Rules (c) and (d)."""
    server, ada, bob = AskingServer(), Person(), Person()
    async with World(server) as world:
        one, two = world.thread(ada), world.thread(bob)
        calls = [begins(one, "a", 0.1, "ask"), begins(two, "b", 3.0)]
        assert await asyncio.gather(*calls) == ["a", "b"]
    assert (ada.labels, bob.labels) == (["a"], [])
    assert "result" in server.answers_of["a"][0]


async def test_a_server_that_never_answered_which_era_it_is_of_can_ask_at_once() -> None:
    """What we asked it by ourselves, and no longer wait for, is nobody's request whom it might mean."""
    server, ada = AskingServer(), Person()
    server.acts["server/discover"] = lambda process, message: None
    async with World(server) as world:
        thread = world.thread(ada)
        await thread.ready()
        assert await call(thread, "work", label="a", script=["ask"]) == "a"
    assert "result" in server.answers_of["a"][0]


async def test_two_questions_of_two_threads_cost_the_newer_one_and_the_older_reaches_its_thread() -> None:
    """Rule (d): as many questions as owners."""
    server, ada, bob = AskingServer(), Person(), Person()
    async with World(server) as world:
        calls = [begins(world.thread(ada), "a", 0.1, "ask"), begins(world.thread(bob), "b", 0.2, "ask")]
        assert await asyncio.gather(*calls) == ["a", "b"]
    assert (ada.labels, bob.labels) == (["a"], [])
    assert "2 clients are waiting" in error_of(server.answers_of["b"][0])


@pytest.mark.parametrize("scope", ["thread", "shared"])
async def test_threads_beside_each_other_are_asked_each_by_itself(scope: str) -> None:
    """Rule (d) within a conversation, also where it alone has the process."""
    server, ada, bob = AskingServer(), Person(), Person()
    async with World(server, configs=[config(scope=scope)]) as world:
        one = world.thread(ada)
        calls = [begins(one, "a", 0.1, "ask"), begins(world.thread(bob, beside=one), "b", 3.0)]
        assert await asyncio.gather(*calls) == ["a", "b"]
        assert len(server.processes) == 1
    assert (ada.labels, bob.labels) == (["a"], [])


TWO_NAMES = ("fake", "again")


@pytest.mark.parametrize("scope", ["thread", "shared"])
@pytest.mark.parametrize("asking", TWO_NAMES)
async def test_a_thread_that_has_a_server_by_two_names_is_asked_as_one(scope: str, asking: str) -> None:
    """Under the name of its call, where one alone is under way; and it waits for no turn behind itself."""
    server, ada = AskingServer(), Person(after=50.0)
    configs = [config(scope=scope), config("again", command="fake", scope=scope)]
    async with World(server, configs=configs) as world:
        thread = world.thread(ada)
        asked = asyncio.create_task(call(thread, "work", server=asking, label="a", script=["ask"]))
        await server.receives("tools/call")
        await world.passes(1.0)
        began = world.loop.time()
        for name in TWO_NAMES:
            assert await call(thread, "work", server=name, label="b", script=[0.1]) == "b"
        assert world.loop.time() - began < 0.3
        assert await asked == "a"
        assert len(server.processes) == 1
    assert [(question.server, label) for question, label in zip(ada.questions, ada.labels, strict=True)] == [
        (asking, "a")
    ]


async def test_calls_by_both_names_of_a_server_are_one_owner() -> None:
    """Rule (c)."""
    server, ada = AskingServer(), Person()
    async with World(server, configs=[config(), config("again", command="fake")]) as world:
        thread = world.thread(ada)
        calls = [
            asyncio.create_task(call(thread, "work", server=name, label=name, script=[0.1, "ask", 0.1]))
            for name in TWO_NAMES
        ]
        began = world.loop.time()
        assert await asyncio.gather(*calls) == list(TWO_NAMES)
        assert world.loop.time() - began < 1.0
    assert sorted(ada.labels) == sorted(TWO_NAMES)


@pytest.mark.parametrize("when", ["idle", "after a question"])
async def test_in_a_process_of_its_own_a_thread_of_two_names_is_asked_whatever_the_server_works_on(when: str) -> None:
    server, ada = AskingServer(), Person()
    configs = [config(scope="thread"), config("again", command="fake", scope="thread")]
    async with World(server, configs=configs) as world:
        thread = world.thread(ada)
        await begins(thread, "work", *(["ask"] if when != "idle" else []))
        with thread.capture():
            server.asks_unasked()
            await server.receives("answer", 1 + (when != "idle"))
    assert ada.labels[-1:] == ["background"]


async def test_a_question_that_cannot_be_told_apart_is_declined_after_a_while() -> None:
    """Rule (d): at most ten seconds."""
    server, ada, bob = AskingServer(), Person(), Person()
    async with World(server) as world:
        calls = [begins(world.thread(ada), "a", "ask"), begins(world.thread(bob), "b", 3 * HOLD)]
        assert await asyncio.gather(*calls) == ["a", "b"]
    assert (ada.labels, bob.labels) == ([], [])
    assert "did not finish" in error_of(server.answers_of["a"][0])


async def test_a_question_that_is_held_keeps_everybody_out() -> None:
    """Rule (d): admit nobody."""
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        threads = [world.thread(Person()) for _ in range(3)]
        first = [begins(threads[0], "a", "ask"), begins(threads[1], "b", 5.0)]
        await server.receives("tools/call", 2)
        await world.passes(1.0)
        third = begins(threads[2], "c")
        await world.passes(3.0)
        assert len(server.got("tools/call")) == 2
        assert await asyncio.gather(*first, third) == ["a", "b", "c"]


async def test_after_its_first_question_a_server_works_for_one_thread_at_a_time() -> None:
    """Rule (e)."""
    server, people = AskingServer(), [Person(), Person()]
    async with World(server) as world:
        one, two = map(world.thread, people)
        await begins(one, "first", "ask")
        calls = [begins(one, "a", 0.3, "ask", 0.3), begins(two, "b", 0.1, "ask")]
        assert await asyncio.gather(*calls) == ["a", "b"]
        assert len(server.processes) == 1
    assert [person.labels for person in people] == [["first", "a"], ["b"]]


async def test_threads_take_turns_in_the_order_in_which_they_came() -> None:
    """Rule (e): first come, first served, by thread."""
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        one, two, three = (world.thread(Person()) for _ in range(3))
        await begins(one, "first", "ask")
        order = [(one, "1a"), (two, "2a"), (three, "3a"), (one, "1b"), (two, "2b")]
        calls: list[asyncio.Task[Any]] = []
        for thread, label in order:
            calls.append(begins(thread, label, 0.1))
            await world.passes(0.001)
        await asyncio.gather(*calls)
        labels = [m["params"]["arguments"]["label"] for m in server.got("tools/call")]
    assert labels == ["first", "1a", "2a", "2b", "3a", "1b"]


async def test_a_thread_that_is_asked_may_still_call() -> None:
    """Rule (e)."""
    server, ada = AskingServer(), Person(after=100.0)
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        one, two = world.thread(ada), world.thread(Person())
        asked = begins(one, "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        waits = begins(two, "b")
        await world.passes(1.0)
        assert await begins(one, "helps") == "helps"
        assert not waits.done()
        assert await asyncio.gather(asked, waits) == ["a", "b"]


async def test_nobody_waits_behind_another_person() -> None:
    """Rule (f): a question left open for ten minutes."""
    server, ada = AskingServer(), Person(after=600.0)
    async with World(server, configs=[config(tool_timeout=30.0)]) as world:
        asked = begins(world.thread(ada), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        others = [world.thread(Person()) for _ in range(50)]
        began = world.loop.time()
        answers = await asyncio.gather(*(begins(thread, f"b{n}") for n, thread in enumerate(others)))
        assert answers == [f"b{n}" for n in range(50)]
        assert world.loop.time() - began < PATIENCE + 1.0
        assert len(server.running) == 2
        assert await asked == "a"
    assert ada.labels == ["a"]


async def test_while_a_question_is_open_each_call_waits_for_its_patience_and_one_start_at_most() -> None:
    """Rule (f): ten minutes, in which fifty threads come with calls of all lengths, one every eleven seconds."""
    server, ada = AskingServer(), Person(after=600.0)
    async with World(server) as world:
        asked = begins(world.thread(ada), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        server.slow_start = 3.0

        async def one(number: int) -> float:
            own = (0.0, 0.5, 4.0, 25.0)[number % 4]
            await world.passes(11.0 * number)
            began = world.loop.time()
            assert await begins(world.thread(Person()), f"b{number}", own) == f"b{number}"
            return world.loop.time() - began - own

        waits = await asyncio.gather(*(one(number) for number in range(50)))
        assert max(waits) < PATIENCE + server.slow_start + 0.1
        assert not asked.done()
        assert await asked == "a"
    assert ada.labels == ["a"]


async def test_questions_in_the_overflow_reach_their_threads_too() -> None:
    """Rule (f)."""
    server, people = AskingServer(), [Person(after=50.0) for _ in range(5)]
    async with World(server) as world:
        calls = [begins(world.thread(person), f"a{n}", "ask") for n, person in enumerate(people[:1])]
        await server.receives("tools/call")
        await world.passes(1.0)
        calls += [begins(world.thread(person), f"a{n}", "ask") for n, person in enumerate(people[1:], 1)]
        await asyncio.gather(*calls)
    assert [person.labels for person in people] == [[f"a{n}"] for n in range(5)]


async def test_the_overflow_is_bounded_and_goes_when_it_is_idle() -> None:
    """Rule (f): at most eight."""
    server = AskingServer()
    async with World(server) as world:
        calls = [begins(world.thread(Person(after=60.0)), "a", "ask")]
        await server.receives("tools/call")
        await world.passes(1.0)
        calls += [begins(world.thread(Person(after=60.0)), "b", "ask") for _ in range(15)]
        await world.passes(40.0)
        assert len(server.running) == 1 + MOST_OVERFLOW
        await asyncio.gather(*calls)
        await world.passes(OVERFLOW_IDLE + 1.0)
        assert server.running == [server.processes[0]]


async def test_an_overflow_process_that_cannot_be_started_fails_nobody() -> None:
    server = AskingServer()
    async with World(server) as world:
        asked = begins(world.thread(Person(after=5.0)), "a", "ask")
        await server.receives("tools/call")
        server.fails_to_start = "another one holds the lock"
        await world.passes(1.0)
        other = begins(world.thread(Person()), "b")
        assert await asyncio.gather(asked, other) == ["a", "b"]
        assert len(server.processes) == 1


async def prompts(thread: Thread) -> object:
    async with thread.step() as step:
        return await step.prompts("fake")


async def test_a_start_that_fails_fails_all_who_wait_for_their_turn_at_once() -> None:
    """Single flight: nobody tries it once more for another."""
    server = AskingServer()
    settings = config(idle_timeout=5.0, stop_when_unused=True)
    async with World(server, configs=[settings]) as world:
        await begins(world.thread(Person()), "first", "ask")
        threads = [world.thread(Person()) for _ in range(5)]
        await world.passes(60.0)
        backend = world.backend()
        attempts, server.fails_to_start = backend.generation, "no such program"
        outcomes = await asyncio.gather(*map(prompts, threads), return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["`fake`: no such program"] * 5
        assert len({id(outcome) for outcome in outcomes}) == 5, "each has an error of its own"
        assert backend.generation == attempts + 1
        server.fails_to_start = None
        assert await begins(threads[0], "later") == "later"


async def test_a_request_that_never_left_the_pipe_costs_none_of_those_who_wait() -> None:
    """It has lost its connection twice before it was sent; the next in turn has another."""
    server = AskingServer()

    def exits(process: FakeProcess) -> None:
        server.reads = True
        process.exit(-9)

    def stops_reading(process: FakeProcess, message: Message) -> None:
        process.answers(message, {"tools": server.tools})
        if len(server.processes) == 2:
            server.reads = False
            world.loop.call_later(5.0, exits, process)

    server.acts["tools/list"] = stops_reading
    server.acts["prompts/list"] = lambda process, message: process.answers(message, {"prompts": []})
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        one, two = world.thread(Person()), world.thread(Person())
        await begins(one, "first", "ask")
        server.reads = False
        unlucky, waiting = asyncio.create_task(prompts(one)), asyncio.create_task(prompts(two))
        await world.passes(1.0)
        exits(server.process)
        with pytest.raises(ServerUnavailable, match="twice in a row"):
            await unlucky
        assert await waiting == []
    assert len(server.processes) == 3


async def test_serialised_threads_wait_for_each_others_persons() -> None:
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        asked = begins(world.thread(Person(after=20.0)), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        other = begins(world.thread(Person()), "b")
        assert await asyncio.gather(asked, other) == ["a", "b"]
        assert len(server.processes) == 1


async def test_waiting_for_ones_turn_is_part_of_the_time_out_and_says_so() -> None:
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise", tool_timeout=5.0)]) as world:
        asked = begins(world.thread(Person(after=20.0)), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        with pytest.raises(CallTimeout, match=r"turn within 5 s.*nothing was sent"):
            await begins(world.thread(Person()), "b")
        await asked


async def test_a_thread_that_waits_for_its_turn_can_be_cancelled_and_leaves_nothing_behind() -> None:
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        asked = begins(world.thread(Person(after=20.0)), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        other = begins(world.thread(Person()), "b")
        await world.passes(1.0)
        other.cancel()
        assert await asked == "a"
        (entry,) = world.pool
        assert (entry.lanes.waiting, len(server.got("tools/call"))) == (0, 1)


async def test_a_cancelled_call_that_is_never_answered_keeps_others_for_thirty_seconds_only() -> None:
    """Rule (a)."""
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        one, two = world.thread(Person()), world.thread(Person())
        await begins(one, "first", "ask")
        cancelled = begins(one, "a", 1000.0)
        await server.receives("tools/call", 2)
        cancelled.cancel()
        began = world.loop.time()
        assert await begins(two, "b") == "b"
        assert CANCELLED_STAYS - 1.0 < world.loop.time() - began < CANCELLED_STAYS + 1.0


async def test_a_question_held_when_a_given_up_call_is_thirty_seconds_old_is_nobody_elses() -> None:
    """Rules (a) and (d): that time passed proves nothing of a question that came before."""
    server, bob = AskingServer(), Person()
    server.heeds_cancels = False
    async with World(server) as world:
        gone = begins(world.thread(Person()), "a", 26.0, "ask")
        other = begins(world.thread(bob), "b", 50.0)
        await server.receives("tools/call", 2)
        gone.cancel()
        await world.passes(CANCELLED_STAYS + 5.0)
        assert server.answers_of == {}
        await world.passes(HOLD)
        assert "2 clients are waiting" in error_of(server.answers_of["a"][0])
        assert await other == "b"
    assert bob.labels == []


async def test_a_late_answer_of_a_process_that_has_not_asked_yet_lets_the_next_thread_in() -> None:
    """Rule (e), at a process started again."""
    server = AskingServer()
    server.heeds_cancels = False
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        one, two = world.thread(Person()), world.thread(Person())
        await begins(one, "first", "ask")
        await world.pool.reconnect("fake")
        cancelled = begins(one, "a", 5.0)
        await server.receives("tools/call", 2)
        cancelled.cancel()
        began = world.loop.time()
        assert await begins(two, "b") == "b"
        assert world.loop.time() - began < 6.0


async def test_an_overflow_process_goes_though_it_never_answered_a_cancelled_call() -> None:
    """Rule (f)."""
    server = AskingServer()
    async with World(server) as world:
        asked = begins(world.thread(Person(after=600.0)), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        cancelled = begins(world.thread(Person()), "b", 1000.0)
        await server.receives("tools/call", 2)
        cancelled.cancel()
        await world.passes(CANCELLED_STAYS + OVERFLOW_IDLE + 5.0)
        assert server.running == [server.processes[0]]
        assert await asked == "a"


async def test_who_waits_for_a_turn_at_what_gives_way_is_told_at_once_and_who_comes_later_too() -> None:
    server = AskingServer()
    async with World(server, configs=[config(when_asking="serialise")]) as world:
        asked = begins(world.thread(Person(after=20.0)), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        waits = begins(world.thread(Person()), "b")
        await world.passes(1.0)
        (entry,) = world.pool
        (holder, *_) = entry.backend.holders
        began = world.loop.time()
        giving_way = asyncio.create_task(entry.lanes.give_way(60.0))
        with pytest.raises(ServerUnavailable, match="gives way"):
            await waits
        with pytest.raises(ServerUnavailable, match="gives way"):
            await entry.lanes.request("tools/list", {}, holder=holder, timeout=60.0)
        assert world.loop.time() - began < 1.0
        assert await asked == "a"
        await giving_way


async def test_isolated_threads_get_a_process_of_their_own_from_the_first_question_on() -> None:
    server = AskingServer()
    async with World(server, configs=[config(when_asking="isolate")]) as world:
        one, two = world.thread(Person(after=100.0)), world.thread(Person())
        asked = begins(one, "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        began = world.loop.time()
        assert await begins(two, "b") == "b"
        assert world.loop.time() - began < PATIENCE
        assert await asked == "a"


async def test_a_server_that_asks_by_itself_is_declined_then_isolated_and_then_asks_its_own_thread() -> None:
    """Rule (b)."""
    server, people = AskingServer(), [Person(), Person()]
    async with World(server) as world:
        threads = [world.thread(person) for person in people]
        await asyncio.gather(*(begins(thread, "work") for thread in threads))
        step = threads[0].capture()
        server.asks_unasked()
        await server.receives("answer")
        assert "nobody can be asked" in error_of(server.process.asked[0])
        step.release()
        await asyncio.gather(*(begins(thread, "work") for thread in threads))
        await world.settles()
        shared, *own = server.processes
        assert (shared.ended, len(own)) == (True, 2)
        server.asks_unasked()
        await server.receives("answer", 2)
    assert sorted(person.labels for person in people) == [[], ["background"]]


async def test_servers_set_to_decline_are_shared_and_ask_nobody() -> None:
    server, ada = AskingServer(), Person()
    async with World(server, configs=[config(when_asking="decline")]) as world:
        calls = [begins(world.thread(ada), "a", "ask"), begins(world.thread(Person()), "b", 5.0)]
        assert await asyncio.gather(*calls) == ["a", "b"]
        assert len(server.processes) == 1
    assert ada.labels == []
    assert "when_asking" in error_of(server.answers_of["a"][0])


async def test_a_question_is_withdrawn_with_the_call_that_caused_it() -> None:
    """Rule (g)."""
    server, ada = AskingServer(), Person(after=1000.0)
    server.heeds_cancels = False
    async with World(server) as world:
        asked = begins(world.thread(ada), "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        asked.cancel()
        await server.receives("answer")
        assert ada.withdrawn == 1
        assert server.process.asked[0]["result"] == {"action": "cancel"}


async def test_questions_are_answered_as_cancelled_when_the_turn_is_interrupted_and_nobody_else_notices() -> None:
    """Rule (g); P5: interrupting one thread concerns no other."""
    server, ada, bob = AskingServer(), Person(after=1000.0), Person(after=3.0)
    async with World(server) as world:
        one, two = world.thread(ada), world.thread(bob)
        asked, other = begins(one, "a", "ask"), begins(two, "b", 0.5, "ask")
        await server.receives("tools/call", 2)
        await world.passes(2.0)
        one.interrupt()
        assert await asyncio.gather(asked, other) == ["a", "b"]
    assert (ada.labels, bob.labels) == (["a"], [])
    assert server.answers_of["a"][0]["result"] == {"action": "cancel"}


async def test_questions_of_a_replaced_runtime_end_with_the_turn_too() -> None:
    """Rule (g), and a runtime replaced meanwhile."""
    server, ada = AskingServer(), Person(after=1000.0)
    async with World(server) as world:
        thread = world.thread(ada)
        asked = begins(thread, "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        world.threads.reload()
        await world.threads.settled()
        thread.interrupt()
        assert await asked == "a"
    assert server.answers_of["a"][0]["result"] == {"action": "cancel"}


@pytest.mark.parametrize("replaced", ["view", "process"])
async def test_an_answer_reaches_the_process_that_asked_though_the_runtime_was_replaced_meanwhile(
    replaced: str,
) -> None:
    """Scenario S3. By an environment that became ready, say: the server is the same, or another one by now."""
    server, ada = AskingServer(), Person(after=50.0)
    async with World(server) as world:
        thread = world.thread(ada)
        asked = begins(thread, "a", "ask")
        await server.receives("tools/call")
        await world.passes(1.0)
        before = thread.runtime
        if replaced == "view":
            world.configure("fake", tool_timeout=70.0)
        else:
            world.threads.apply([config(env=(("V", "b"),))])
        assert await begins(thread, "b") == "b"
        assert thread.runtime is not before
        assert not asked.done()
        assert await asked == "a"
        await world.settles()
        assert len(server.running) == 1
    assert [process.pid for process in server.processes if process.asked] == [1000]
    assert server.answers_of["a"][0]["result"]["action"] == "accept"


async def test_a_thread_keeps_its_open_question_while_another_of_its_calls_is_under_way() -> None:
    """Rule (g): which call asked is not known."""
    server, ada = AskingServer(), Person(after=10.0)
    async with World(server) as world:
        thread = world.thread(ada)
        asked, other = begins(thread, "a", "ask"), begins(thread, "b", 20.0)
        await server.receives("tools/call", 2)
        await world.passes(1.0)
        other.cancel()
        assert await asked == "a"
        assert ada.withdrawn == 0


async def test_news_of_an_elicitation_reach_whom_it_asked() -> None:
    server, ada, bob = AskingServer(), Person(), Person()
    async with World(server) as world:
        one, _ = world.thread(ada), world.thread(bob)
        await begins(one, "warm")
        calling = begins(one, "a", 5.0)
        await server.receives("tools/call", 2)
        params: Message = {"message": "a", "mode": "form", "elicitationId": "e1", "requestedSchema": {}}
        server.process.asks("elicitation/create", params)
        await server.receives("answer")
        server.process.says({"method": "notifications/elicitation/complete", "params": {"elicitationId": "e1"}})
        server.process.says({"method": "notifications/elicitation/complete", "params": {"elicitationId": "e2"}})
        await calling
    assert [what for _, what, _ in ada.heard] == ["notifications/elicitation/complete"]
    assert bob.heard == []
