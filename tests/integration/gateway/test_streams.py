"""What reaches a handshake client besides its answers: GET streams, resumption, questions, roots, slow readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, encode
from gatewaykit.http_client import Event, HttpClient, Response
from gatewaykit.serving import gateway_for, serving
from gatewaykit.waiting import until
from mcpool.backend.holder import Question, Root
from mcpool.errors import RpcError
from mcpool.gateway.limits import Limits

STREAM_FIRST = "text/event-stream, application/json"
ELICIT = b'{"message":"Name?",\n"requestedSchema":{"type":"object","properties":{}}}'


@pytest.fixture
def host() -> FakeHost:
    async def ask(call: FakeCall) -> bytes:
        try:
            answer = await call.thread.listener.on_question(Question("one", "elicitation/create", ELICIT, call.sink))
        except RpcError as error:
            return encode({"content": [], "refused": error.reason, "code": error.code})
        return b'{"content":[],"answer":%b}' % answer

    async def unattributed(call: FakeCall) -> bytes:
        answer = await call.thread.listener.on_question(Question("one", "elicitation/create", ELICIT))
        return b'{"content":[],"answer":%b}' % answer

    one = FakeServer("one")
    one.tools |= {"ask": ask, "unattributed": unattributed}
    return FakeHost(one)


@pytest.fixture
async def port(host: FakeHost) -> AsyncIterator[int]:
    async with serving(gateway_for(host, Limits(roots_timeout=5))) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port) as client:
        await client.initialize(capabilities={"elicitation": {}})
        yield client


async def _next(events: AsyncIterator[Event]) -> Event:
    """The next event that says something."""
    async with asyncio.timeout(60):
        while (event := await anext(events)).data is None:
            pass
        return event


async def _answer(client: HttpClient, question: Any, result: object) -> None:
    response = await client.post({"jsonrpc": "2.0", "id": question["id"], "result": result})
    assert response.status == 202


# ---------------------------------------------------------------------- GET streams


async def test_notification_that_belongs_to_no_request_comes_by_get(client: HttpClient, host: FakeHost) -> None:
    stream = await client.request("GET")
    assert stream.is_stream
    await client.result("tools/list")
    listener = host.threads[0].listener
    listener.on_notification("one", "notifications/tools/list_changed", None)
    listener.on_notification("elsewhere", "notifications/tools/list_changed", None)
    listener.on_notification("one", "notifications/resources/updated", b'{"uri":\n"a:1"}')
    events = stream.events()
    assert (await _next(events)).data == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert (await _next(events)).data["params"] == {"uri": "a:1"}


async def test_what_came_while_no_stream_was_open_comes_with_the_next(client: HttpClient, host: FakeHost) -> None:
    listener = host.threads[0].listener
    listener.on_notification("one", "notifications/tools/list_changed", None)
    listener.on_notification("one", "notifications/tools/list_changed", None)
    listener.on_notification("one", "notifications/resources/list_changed", None)
    events = (await client.request("GET")).events()
    methods = [(await _next(events)).data["method"] for _ in range(2)]
    assert methods == ["notifications/tools/list_changed", "notifications/resources/list_changed"]


async def test_message_goes_to_one_stream_only(client: HttpClient, host: FakeHost) -> None:
    first, second = await client.request("GET"), await client.request("GET")
    listener = host.threads[0].listener
    listener.on_notification("one", "notifications/tools/list_changed", None)
    newest = second.events()
    assert (await _next(newest)).data["method"] == "notifications/tools/list_changed"
    await second.close()
    waiting = asyncio.create_task(_next(first.events()))
    async with asyncio.timeout(60):
        # The gateway sees a while later that the newest is gone.
        while not waiting.done():
            listener.on_notification("one", "notifications/prompts/list_changed", None)
            await asyncio.sleep(0.005)
    assert waiting.result().data["method"] == "notifications/prompts/list_changed"


async def test_get_without_session_or_accept_is_refused(client: HttpClient) -> None:
    assert (await client.request("GET", headers={"Accept": "application/json"})).status == 406
    client.session = None
    assert (await client.request("GET")).status == 400


async def test_too_many_streams_of_one_session_are_refused(client: HttpClient) -> None:
    for _ in range(4):
        assert (await client.request("GET")).status == 200
    assert (await client.request("GET")).status == 409


async def test_delete_completes_the_stream(client: HttpClient) -> None:
    stream = await client.request("GET")
    await client.request("DELETE")
    assert await stream.messages() == []


# ---------------------------------------------------------------------- resuming


class Steady:
    """A tool that reports when told, and answers when told."""

    def __init__(self, host: FakeHost) -> None:
        self.go = asyncio.Event()
        host.servers["one"].tools["steady"] = self

    async def __call__(self, call: FakeCall) -> bytes:
        call.log("one")
        call.log("two")
        await self.go.wait()
        return encode({"content": [], "answer": 42})


async def _broken_off(client: HttpClient) -> tuple[Response, str, str]:
    """Begin a call, see its first two events, and lose the connection; the ids of both."""
    stream = await client.tool("steady")
    events = stream.events()
    first, second = await _next(events), await _next(events)
    await stream.close()
    assert first.id is not None
    assert second.id is not None
    return stream, first.id, second.id


async def test_dropped_call_goes_on_and_its_answer_waits(client: HttpClient, host: FakeHost) -> None:
    steady = Steady(host)
    _, _, last = await _broken_off(client)
    steady.go.set()
    messages = await (await client.request("GET", headers={"Last-Event-ID": last})).messages()
    assert [message["result"]["answer"] for message in messages] == [42]
    assert not host.calls[0].cancelled


async def test_resumed_stream_begins_after_the_event_it_names(client: HttpClient, host: FakeHost) -> None:
    steady = Steady(host)
    _, first, _ = await _broken_off(client)
    resumed = await client.request("GET", headers={"Last-Event-ID": first})
    events = resumed.events()
    assert (await _next(events)).data["params"]["data"] == "two"
    steady.go.set()
    assert (await _next(events)).data["result"]["answer"] == 42


async def test_stream_begins_with_an_event_to_resume_from(client: HttpClient, host: FakeHost) -> None:
    Steady(host)
    first = await anext((await client.tool("steady")).events())
    assert first.data is None
    assert first.id


async def test_client_that_names_streams_first_gets_one_that_it_can_resume(client: HttpClient) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    events = [event async for event in (await client.post(ping, {"Accept": STREAM_FIRST})).events()]
    assert [event.data for event in events] == [None, {"jsonrpc": "2.0", "id": 1, "result": {}}]
    assert events[0].id is not None
    resumed = await client.request("GET", headers={"Last-Event-ID": events[0].id})
    assert await resumed.messages() == [events[1].data]


async def test_older_revisions_get_no_empty_event(port: int, host: FakeHost) -> None:
    Steady(host)
    async with HttpClient(port) as client:
        await client.initialize("2025-06-18")
        first = await anext((await client.tool("steady")).events())
    assert first.data["params"]["data"] == "one"


async def test_stream_of_another_session_cannot_be_resumed(client: HttpClient, port: int, host: FakeHost) -> None:
    Steady(host)
    _, _, last = await _broken_off(client)
    async with HttpClient(port) as other:
        await other.initialize()
        assert (await other.request("GET", headers={"Last-Event-ID": last})).status == 410


async def test_last_event_id_that_is_none_of_ours_is_refused(client: HttpClient) -> None:
    for value in ("nonsense", "p1-x", "-1", "p1-" + "9" * 50):
        assert (await client.request("GET", headers={"Last-Event-ID": value})).status in (400, 410)


async def test_answer_is_forgotten_after_its_time(host: FakeHost) -> None:
    steady = Steady(host)
    limits = Limits(replay_after=0.0)
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as client:
        await client.initialize()
        _, _, last = await _broken_off(client)
        steady.go.set()

        async def gone() -> bool:
            return (await client.request("GET", headers={"Last-Event-ID": last})).status == 410

        await until(gone)


# ---------------------------------------------------------------------- questions


async def test_question_comes_on_the_stream_of_the_call_that_caused_it(client: HttpClient) -> None:
    events = (await client.tool("ask")).events()
    question = (await _next(events)).data
    assert (question["method"], question["params"]["message"]) == ("elicitation/create", "Name?")
    await _answer(client, question, {"action": "accept", "content": {"n": 1}})
    answer = (await _next(events)).data
    assert answer["result"]["answer"] == {"action": "accept", "content": {"n": 1}}


async def test_question_without_known_cause_comes_by_get(client: HttpClient) -> None:
    get = (await client.request("GET")).events()
    call = asyncio.create_task(client.tool("unattributed"))
    question = (await _next(get)).data
    await _answer(client, question, {"action": "decline"})
    assert (await (await call).json())["result"]["answer"] == {"action": "decline"}


async def test_question_to_the_only_call_needs_no_get(client: HttpClient) -> None:
    events = (await client.tool("unattributed")).events()
    question = (await _next(events)).data
    await _answer(client, question, {"action": "cancel"})
    assert (await _next(events)).data["result"]["answer"] == {"action": "cancel"}


async def test_error_answer_is_the_servers(client: HttpClient) -> None:
    events = (await client.tool("ask")).events()
    question = (await _next(events)).data
    error = {"code": -1, "message": "no wish"}
    await client.post({"jsonrpc": "2.0", "id": question["id"], "error": error})
    result = (await _next(events)).data["result"]
    assert (result["code"], result["refused"]) == (-1, "no wish")


async def test_client_that_cannot_be_asked_is_answered_for(port: int) -> None:
    async with HttpClient(port) as client:
        await client.initialize()
        answer = await (await client.tool("ask")).json()
    assert "cannot" in answer["result"]["refused"]


async def test_client_without_streams_is_answered_for(client: HttpClient) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask"}}
    answer = await (await client.post(body, {"Accept": "application/json"})).json()
    assert "no event stream" in answer["result"]["refused"]


async def test_another_client_cannot_answer(client: HttpClient, port: int) -> None:
    events = (await client.tool("ask")).events()
    question = (await _next(events)).data
    async with HttpClient(port) as other:
        await other.initialize()
        await _answer(other, question, {"action": "accept", "content": {"stolen": True}})
    await _answer(client, question, {"action": "decline"})
    assert (await _next(events)).data["result"]["answer"] == {"action": "decline"}


async def test_question_that_is_withdrawn_is_taken_back(client: HttpClient, host: FakeHost) -> None:
    events = (await client.tool("ask")).events()
    question = (await _next(events)).data
    get = (await client.request("GET")).events()
    asking = asyncio.create_task(host.threads[0].listener.on_question(Question("one", "elicitation/create", ELICIT)))
    second = (await _next(get)).data
    asking.cancel()
    withdrawn = (await _next(get)).data
    assert withdrawn["method"] == "notifications/cancelled"
    assert withdrawn["params"]["requestId"] == second["id"] != question["id"]


# ---------------------------------------------------------------------- roots


async def test_roots_are_asked_for_when_a_stream_is_there(port: int, host: FakeHost) -> None:
    async with HttpClient(port) as client:
        await client.initialize(capabilities={"roots": {"listChanged": True}})
        assert host.threads[-1].client.roots is None
        await client.result("logging/setLevel", {"level": "error"})
        events = (await client.request("GET")).events()
        question = (await _next(events)).data
        assert question["method"] == "roots/list"
        call = asyncio.create_task(client.tool("echo"))
        await _answer(client, question, {"roots": [{"uri": "file:///a", "name": "A"}]})
        await call
        assert host.calls[-1].thread.client.roots == (Root("file:///a", "A"),)
        assert host.calls[-1].thread.levels == {"one": "error"}
        await client.notify("notifications/roots/list_changed")
        question = (await _next(events)).data
        await _answer(client, question, {"roots": []})
        await (await client.tool("echo")).json()
        assert host.calls[-1].thread.client.roots == ()
        await until(lambda: len(host.open_threads) == 1)


# ---------------------------------------------------------------------- slow readers


async def test_slow_reader_loses_logs_but_not_its_answer_and_slows_nobody(host: FakeHost) -> None:
    finished = asyncio.Event()

    async def chatty(call: FakeCall) -> bytes:
        for number in range(2000):
            call.log("x" * 10_000 + str(number))
            call.report(number)
            if number % 100 == 0:
                await asyncio.sleep(0)
        finished.set()
        return encode({"content": [], "answer": 42})

    host.servers["one"].tools["chatty"] = chatty
    limits = Limits(backlog_bytes=500_000, backlog_messages=200)
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as slow, HttpClient(port) as quick:
        for client in (slow, quick):
            await client.initialize()
        response = await slow.tool("chatty", _meta={"progressToken": 1})
        async with asyncio.timeout(60):
            await finished.wait()
        assert "result" in await (await quick.tool("echo")).json()
        messages = await response.messages()
    assert messages[-1]["result"]["answer"] == 42
    progress = [message for message in messages if message.get("method") == "notifications/progress"]
    assert progress[-1]["params"] == {"progressToken": 1, "progress": 1999}
    logs = [message["params"] for message in messages if message.get("method") == "notifications/message"]
    assert len(logs) < 2000
    assert any(log.get("logger") == "mcpool" and "left out" in log["data"] for log in logs)


async def test_stream_over_its_limit_closes_and_can_be_resumed(host: FakeHost) -> None:
    async with serving(gateway_for(host, Limits(backlog_messages=10))) as port, HttpClient(port) as client:
        await client.initialize()
        listener = host.threads[0].listener
        for number in range(30):
            listener.on_notification("one", "notifications/vendor", b'{"n":%d}' % number)
        listener.on_notification("one", "notifications/vendor", b'{"n":99}')
        stream = await client.request("GET")
        event = await _next(stream.events())
        assert event.data["method"] == "notifications/vendor"
        assert await client.result("ping") == {}


# ---------------------------------------------------------------------- expiry


async def test_idle_session_is_closed_and_opened_anew_by_its_id(host: FakeHost) -> None:
    gateway = gateway_for(host, Limits(session_idle=0.0))
    async with serving(gateway) as port, HttpClient(port) as client:
        await client.initialize()
        gateway.tidy()
        await until(lambda: not host.open_threads)
        assert await client.result("ping") == {}


async def test_session_with_a_call_in_flight_or_a_stream_is_not_idle(host: FakeHost) -> None:
    steady = Steady(host)
    gateway = gateway_for(host, Limits(session_idle=0.0))
    async with serving(gateway) as port, HttpClient(port) as busy, HttpClient(port) as listening:
        await busy.initialize()
        await listening.initialize()
        call = await busy.tool("steady")
        await listening.request("GET")
        gateway.tidy()
        assert len(host.open_threads) == 2
        steady.go.set()
        assert (await call.messages())[-1]["result"]["answer"] == 42
