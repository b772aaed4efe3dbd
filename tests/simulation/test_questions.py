"""What a server asks reaches the thread whose call made it ask, or nobody (P7, invariant 7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpool.backend.holder import ClientFacts, Question, Root
from mcpool.backend.questions import MAX_OPEN
from mcpool.errors import CallOutcomeUnknown, RpcError
from support.fake_server import ANSWER, FakeProcess, FakeServer, Message, nothing, tool
from support.world import Ear, World, call, config

ASK: Message = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}


def asks_first(process: FakeProcess, message: Message) -> None:
    process.asks("elicitation/create", ASK)


def asking_server(**more: Any) -> FakeServer:
    return FakeServer(
        "fake",
        tools=[tool("ask"), tool("work")],
        acts={"tools/call ask": asks_first, "tools/call work": nothing},
        **more,
    )


def finishes(server: FakeServer) -> None:
    """Answer every call."""
    for message in server.got("tools/call"):
        server.process.answers(message, {"content": [{"type": "text", "text": "1"}]})


async def test_the_sole_caller_is_asked_and_its_answer_reaches_the_server() -> None:
    server, ear, bystander = asking_server(), Ear(), Ear()
    ear.answer = b'{"action":"accept","content":{"name":"Ada"}}'
    async with World(server) as world:
        world.thread(bystander)
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives(ANSWER)
        finishes(server)
        await calling
    assert server.process.asked[0]["result"] == {"action": "accept", "content": {"name": "Ada"}}
    assert [(q.server, q.method) for q in ear.questions] == [("fake", "elicitation/create")]
    assert bystander.questions == []


async def test_with_two_callers_who_both_stay_nobody_is_asked() -> None:
    server, ears = asking_server(), [Ear(), Ear()]
    async with World(server) as world:
        working = asyncio.create_task(call(world.thread(ears[0]), "work"))
        await server.receives("tools/call")
        asking = asyncio.create_task(call(world.thread(ears[1]), "ask"))
        await server.receives(ANSWER)
        finishes(server)
        await asyncio.gather(working, asking)
    assert "2 clients are waiting" in server.process.asked[0]["error"]["message"]  # after ten seconds of virtual time
    assert ears[0].questions == ears[1].questions == []


async def test_two_calls_of_one_thread_are_one_owner() -> None:
    server, ear = asking_server(), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        calls = [asyncio.create_task(call(thread, name)) for name in ("work", "ask")]
        await server.receives(ANSWER)
        finishes(server)
        await asyncio.gather(*calls)
    assert len(ear.questions) == 1


async def test_a_caller_that_gave_up_still_counts_until_it_is_answered() -> None:
    """Its call may be what makes the server ask."""
    server, ears = asking_server(), [Ear(), Ear()]
    async with World(server) as world:
        dropped = asyncio.create_task(call(world.thread(ears[0]), "work"))
        await server.receives("tools/call")
        dropped.cancel()
        asking = asyncio.create_task(call(world.thread(ears[1]), "ask"))
        await server.receives(ANSWER)
        finishes(server)
        await asking
    assert "error" in server.process.asked[0]
    assert ears[1].questions == []


async def test_a_question_that_names_its_call_is_exact_among_many() -> None:
    def asks_by_task(process: FakeProcess, message: Message) -> None:
        meta = {"io.modelcontextprotocol/related-task": {"taskId": "t-7"}}
        process.asks("elicitation/create", {**ASK, "_meta": meta})

    server, ears = FakeServer("fake", acts={"tasks/result": asks_by_task, "tools/call": nothing}), [Ear(), Ear()]
    async with World(server) as world:
        other = asyncio.create_task(call(world.thread(ears[0])))
        await server.receives("tools/call")
        async with world.thread(ears[1]).step() as step:
            waiting = asyncio.create_task(step.relay("fake", "tasks/result", {"taskId": b'"t-7"'}))
            await server.receives(ANSWER)
            for message in (*server.got("tools/call"), *server.got("tasks/result")):
                server.process.answers(message, {"content": [{"type": "text", "text": "1"}]})
            await asyncio.gather(other, waiting)
    assert (len(ears[0].questions), len(ears[1].questions)) == (0, 1)


@pytest.mark.parametrize("extends", [False, True])
async def test_a_question_that_names_its_call_tells_it_to_its_caller(extends: bool) -> None:
    """Also where progress extends the time of the call, and is listened to on the way."""

    class Sink:
        def on_notification(self, method: str, params: bytes | None) -> None:
            raise AssertionError

    def asks_by_task(process: FakeProcess, message: Message) -> None:
        meta = {"io.modelcontextprotocol/related-task": {"taskId": "t-7"}}
        process.asks("elicitation/create", {**ASK, "_meta": meta})

    server, ear, sink = FakeServer("fake", acts={"tasks/result": asks_by_task}), Ear(), Sink()
    configs = [config(progress_extends_timeout=extends)]
    async with World(server, configs=configs) as world, world.thread(ear).step() as step:
        waiting = asyncio.create_task(step.relay("fake", "tasks/result", {"taskId": b'"t-7"'}, sink=sink))
        await server.receives(ANSWER)
        server.process.answers(server.got("tasks/result")[0], {"content": []})
        await waiting
    assert [question.sink for question in ear.questions] == [sink]


async def test_with_no_caller_nobody_is_asked() -> None:
    server, ear = asking_server(), Ear()
    async with World(server) as world:
        thread = world.thread(ear)
        await thread.ready()
        step = thread.capture()
        server.process.asks("elicitation/create", ASK)
        await server.receives(ANSWER)
        step.release()
    assert "no request of any client" in server.process.asked[0]["error"]["message"]
    assert ear.questions == []


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("elicitation/create", ASK, "fill in a form"),
        ("elicitation/create", {"mode": "url", "url": "https://x", "message": "m"}, "open a URL"),
        ("sampling/createMessage", {"messages": []}, "sample a model"),
    ],
)
async def test_what_a_client_cannot_answer_is_answered_in_its_stead(method: str, params: Message, reason: str) -> None:
    def asks(process: FakeProcess, message: Message) -> None:
        process.asks(method, params)

    server, ear = FakeServer("fake", acts={"tools/call": asks}), Ear()
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear, client=ClientFacts())))
        await server.receives(ANSWER)
        finishes(server)
        await calling
    assert reason in server.process.asked[0]["error"]["message"]
    assert ear.questions == []


async def test_a_question_that_the_server_withdraws_is_no_longer_open() -> None:
    server, ear = asking_server(), Ear()
    ear.answer = None
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives("tools/call")
        await world.passes(1.0)
        server.process.says({"method": "notifications/cancelled", "params": {"requestId": 9001}})
        await world.passes(1.0)
        assert ear.withdrawn == 1
        finishes(server)
        await calling
    assert server.process.asked == []


async def test_a_question_of_a_server_that_dies_is_no_longer_open() -> None:
    server, ear = asking_server(), Ear()
    ear.answer = None
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives("tools/call")
        await world.passes(1.0)
        server.process.exit(1)
        with pytest.raises(CallOutcomeUnknown):
            await calling
        await world.settles()
        assert ear.withdrawn == 1


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (RpcError("fake", -32042, "ask me later", b'{"when":"tomorrow"}'), -32042, "ask me later"),
        (b"no JSON at all", -32603, "the client failed to answer"),
    ],
)
async def test_a_failed_answer_reaches_the_server_as_an_error(answer: Any, code: int, words: str) -> None:
    server, ear = asking_server(), Ear()
    ear.answer = answer
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear), "ask"))
        await server.receives(ANSWER)
        finishes(server)
        await calling
    error = server.process.asked[0]["error"]
    assert error["code"] == code
    assert words in error["message"]


async def test_a_listener_that_raises_fails_the_question_and_nothing_else() -> None:
    class Broken(Ear):
        async def on_question(self, question: Question) -> bytes:
            raise ZeroDivisionError("in the program")

    server = asking_server()
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(Broken()), "ask"))
        await server.receives(ANSWER)
        finishes(server)
        assert await calling == 1
    assert "ZeroDivisionError" in server.process.asked[0]["error"]["message"]


async def test_roots_are_answered_without_asking_anybody_or_declined() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        await world.thread(client=ClientFacts(roots=(Root("file:///srv"),))).ready()
        server.process.asks("roots/list")
        await server.receives(ANSWER)
        assert world.roots_wanted == ["fake"]
    assert server.process.asked[0]["error"]["code"] == -32601


async def test_a_request_that_no_client_knows_is_refused() -> None:
    server = FakeServer("fake")
    async with World(server) as world:
        await world.thread().ready()
        server.process.asks("party/invite")
        await server.receives(ANSWER)
    assert server.process.asked[0]["error"]["code"] == -32601


async def test_a_modern_server_that_needs_input_gets_it_with_the_request_sent_again() -> None:
    """2026-07-28 names the call by itself, so any number of callers may be asked at once."""

    def needs_input(process: FakeProcess, message: Message) -> None:
        params = message["params"]
        if "inputResponses" in params:
            text = params["inputResponses"]["who"]["content"]["name"] + params["requestState"]
            process.answers(message, {"content": [{"type": "text", "text": f'"{text}"'}]})
            return
        process.says(
            {
                "id": message["id"],
                "result": {
                    "resultType": "input_required",
                    "inputRequests": {"who": {"method": "elicitation/create", "params": ASK}},
                    "requestState": "-state",
                },
            }
        )

    server = FakeServer("fake", eras=("modern",), acts={"tools/call": needs_input})
    ears = [Ear(), Ear()]
    async with World(server) as world:
        for name, ear in zip(("Ada", "Bob"), ears, strict=True):
            ear.answer = b'{"action":"accept","content":{"name":"%b"}}' % name.encode()
        answers = await asyncio.gather(*(call(world.thread(ear)) for ear in ears))
    assert answers == ["Ada-state", "Bob-state"]


async def test_a_handshake_server_is_told_one_fixed_set_of_capabilities() -> None:
    """So that clients of any kind can share it."""
    server = FakeServer("fake")
    async with World(server, configs=[config(scope="thread")]) as world:
        for client in (ClientFacts(), ClientFacts(elicitation_form=True, sampling=True, roots=())):
            await world.thread(client=client).ready()
    declared = [m["params"]["capabilities"] for m in server.got("initialize")]
    extensions: dict[str, object] = {"codex/connection-lease": {}}
    assert declared == [{"elicitation": {"form": {}, "url": {}}, "sampling": {}, "extensions": extensions}] * 2


async def test_a_modern_server_is_told_the_callers_own_capabilities() -> None:
    server = FakeServer("fake", eras=("modern",))
    async with World(server) as world:
        await call(world.thread(client=ClientFacts(raw=b'{"sampling":{}}')))
        await call(world.thread(client=ClientFacts()))
    key = "io.modelcontextprotocol/clientCapabilities"
    assert [m["params"]["_meta"][key] for m in server.got("tools/call")] == [{"sampling": {}}, {}]


async def test_a_question_of_a_server_that_is_being_ended_leaves_nothing_behind() -> None:
    server, ear = asking_server(closing_takes=1.0), Ear()
    ear.answer = None
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear), "work"))
        await server.receives("tools/call")
        ending = asyncio.create_task(world.pool.reconnect("fake"))
        await world.passes(0.5)
        server.process.asks("elicitation/create", ASK)
        server.process.says({"method": "notifications/tools/list_changed"})
        await ending
        with pytest.raises(CallOutcomeUnknown):
            await calling
        await world.settles()
        assert ear.withdrawn == len(ear.questions) == 1


async def test_more_questions_than_anybody_can_answer_are_declined() -> None:
    server, ear = asking_server(), Ear()
    ear.answer = None
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear), "work"))
        await server.receives("tools/call")
        for _ in range(MAX_OPEN + 1):
            server.process.asks("elicitation/create", ASK)
        await server.receives(ANSWER)
        assert "are open already" in server.process.asked[0]["error"]["message"]
        assert len(ear.questions) == MAX_OPEN
        finishes(server)
        await calling


async def test_a_question_to_a_thread_that_closed_is_declined() -> None:
    server, ear = asking_server(), Ear()
    ear.answer = None
    async with World(server) as world:
        world.thread()
        thread = world.thread(ear)
        calling = asyncio.create_task(call(thread, "ask"))
        await server.receives("tools/call")
        await world.passes(1.0)
        calling.cancel()
        await thread.close()
        await server.receives(ANSWER)
        server.process.asks("elicitation/create", ASK)
        await server.receives(ANSWER, 2)
        assert (ear.withdrawn, len(ear.questions)) == (1, 1)
    assert ["has left" in answer["error"]["message"] for answer in server.process.asked] == [True, True]


async def test_a_question_is_withdrawn_when_its_thread_closes_though_the_call_goes_on() -> None:
    """Routing, rule (g)."""
    server, ear = asking_server(), Ear()
    ear.answer = None
    async with World(server) as world:
        thread = world.thread(ear)
        calling = asyncio.create_task(call(thread, "ask"))
        await server.receives("tools/call")
        await world.passes(1.0)
        await thread.close()
        await server.receives(ANSWER)
        assert (ear.withdrawn, "has left" in server.process.asked[0]["error"]["message"]) == (1, True)
        finishes(server)
        assert await calling == 1
