"""A 2026-07-28 client in front of a server that asks in the middle of a call, message by message (P7, era bridge)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, Handler, encode
from gatewaykit.http_client import HttpClient, Response
from gatewaykit.serving import gateway_for, serving
from gatewaykit.waiting import until
from mcpool.backend.holder import Question
from mcpool.errors import CallOutcomeUnknown, RpcError
from mcpool.gateway.app import Gateway
from mcpool.gateway.limits import Limits

META = "io.modelcontextprotocol/"
CAPABILITIES = META + "clientCapabilities"
FORM: dict[str, object] = {CAPABILITIES: {"elicitation": {}}}
FORM_AND_SAMPLING: dict[str, object] = {CAPABILITIES: {"elicitation": {}, "sampling": {}}}
ASK = {"message": "Name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
ADA = {"action": "accept", "content": {"name": "Ada"}}


def question(call: FakeCall, method: str = "elicitation/create", params: object = ASK) -> Question:
    return Question(call.server, method, encode(params), None)


async def put(call: FakeCall, asked: Question) -> Any:
    """What a server is told that asks this: the result, or the error."""
    try:
        return json.loads(await call.thread.listener.on_question(asked))
    except RpcError as error:
        return {"error": error.code, "reason": error.reason}


def said(value: object) -> bytes:
    return encode({"content": [{"type": "text", "text": json.dumps(value)}]})


async def form(call: FakeCall) -> bytes:
    return said(await put(call, question(call)))


async def sample(call: FakeCall) -> bytes:
    return said(await put(call, question(call, "sampling/createMessage", {"messages": [], "maxTokens": 1})))


async def both(call: FakeCall) -> bytes:
    first = asyncio.create_task(put(call, question(call)))
    second = asyncio.create_task(put(call, question(call, "sampling/createMessage", {"messages": [], "maxTokens": 1})))
    return said([await first, await second])


async def wizard(call: FakeCall) -> bytes:
    return said([await put(call, question(call)) for _ in range(3)])


async def reporting(call: FakeCall) -> bytes:
    call.report(1)
    answer = await put(call, question(call))
    call.report(2)
    call.log("after")
    return said(answer)


@pytest.fixture
def host() -> FakeHost:
    tools: dict[str, Handler] = {"form": form, "sample": sample, "both": both, "wizard": wizard, "reporting": reporting}
    one = FakeServer("one", tools=tools)
    one.handlers |= {"prompts/get": form, "resources/read": form, "completion/complete": form}
    one.capabilities |= {"prompts": {}, "resources": {}}
    return FakeHost(one)


@pytest.fixture
def limits() -> Limits:
    return Limits(question_gather=0.001)


@pytest.fixture
def gateway(host: FakeHost, limits: Limits) -> Gateway:
    return gateway_for(host, limits)


@pytest.fixture
async def port(gateway: Gateway, host: FakeHost) -> AsyncIterator[int]:
    async with serving(gateway) as port:
        yield port
    assert host.open_threads == []
    assert host.steps_open == 0


@pytest.fixture
async def client(port: int) -> AsyncIterator[HttpClient]:
    async with HttpClient(port) as client:
        yield client


async def result(response: Response) -> Any:
    answer = (await response.messages())[-1] if response.is_stream else await response.json()
    assert "result" in answer, answer
    return answer["result"]


async def refusal(response: Response) -> Any:
    answer = await response.json()
    assert response.status == 400, answer
    assert answer["error"]["code"] == -32602
    return answer["error"]["data"]["mcpool"]["reason"]


def text(final: Any) -> Any:
    assert final["resultType"] == "complete"
    return json.loads(final["content"][0]["text"])


class Asked:
    """One call, from its first request to its result."""

    def __init__(self, client: HttpClient, tool: str, meta: dict[str, object] | None = None) -> None:
        self.client = client
        self.params: dict[str, object] = {"name": tool, "arguments": {"a": 1, "b": [2]}}
        self.meta = FORM_AND_SAMPLING if meta is None else meta
        self.method = "tools/call"
        self.demand: Any = None

    async def begin(self) -> Any:
        self.demand = await result(await self.client.modern(self.method, self.params, meta=self.meta))
        return self.demand

    async def send(self, answers: object, **more: Any) -> Response:
        params = {**self.params, "requestState": self.demand["requestState"], "inputResponses": answers}
        return await self.client.modern(
            self.method, {**params, **more.pop("params", {})}, meta=more.pop("meta", self.meta), id=2, **more
        )

    async def answer(self, answer: object) -> Any:
        """The same answer to each question."""
        self.demand = await result(await self.send(dict.fromkeys(self.demand["inputRequests"], answer)))
        return self.demand


# ------------------------------------------------------------------ a round


async def test_question_is_the_result_and_the_answer_comes_with_the_retry(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    demand = await asked.begin()
    assert demand["resultType"] == "input_required"
    assert list(demand["inputRequests"].values()) == [{"method": "elicitation/create", "params": ASK}]
    assert text(await asked.answer(ADA)) == ADA
    assert len(host.calls) == 1
    assert not host.calls[0].cancelled


async def test_question_of_one_of_all_servers_under_one_roof(port: int, host: FakeHost) -> None:
    async with HttpClient(port, "/mcp") as client:
        asked = Asked(client, "one__form")
        assert (await asked.begin())["resultType"] == "input_required"
        assert text(await asked.answer(ADA)) == ADA
    assert [call.params["name"] for call in host.calls] == ["form"]


@pytest.mark.parametrize(("method", "params"), [("prompts/get", {"name": "p"}), ("resources/read", {"uri": "x:1"})])
async def test_prompts_and_resources_ask_likewise(client: HttpClient, method: str, params: dict[str, object]) -> None:
    asked = Asked(client, "")
    asked.method, asked.params = method, params
    assert (await asked.begin())["resultType"] == "input_required"
    assert text(await asked.answer(ADA)) == ADA


async def test_other_requests_are_never_answered_with_questions(client: HttpClient) -> None:
    response = await client.modern("completion/complete", {"ref": {}}, meta=FORM)
    assert text(await result(response))["error"] == -32600


async def test_questions_of_one_breath_are_one_round(client: HttpClient) -> None:
    asked = Asked(client, "both")
    demand = await asked.begin()
    methods = {request["method"]: key for key, request in demand["inputRequests"].items()}
    assert set(methods) == {"elicitation/create", "sampling/createMessage"}
    answers = {methods["elicitation/create"]: ADA, methods["sampling/createMessage"]: {"role": "assistant"}}
    assert text(await result(await asked.send(answers))) == [ADA, {"role": "assistant"}]


async def test_questions_one_after_the_other_are_rounds(client: HttpClient) -> None:
    asked = Asked(client, "wizard")
    await asked.begin()
    states = [asked.demand["requestState"]]
    for action in ("accept", "decline"):
        assert (await asked.answer({"action": action}))["resultType"] == "input_required"
        states.append(asked.demand["requestState"])
    assert text(await asked.answer({"action": "cancel"})) == [{"action": a} for a in ("accept", "decline", "cancel")]
    assert len(set(states)) == 3


async def test_missing_answers_are_asked_for_again(client: HttpClient) -> None:
    asked = Asked(client, "both")
    first = (await asked.begin())["inputRequests"]
    key = next(key for key, request in first.items() if request["method"] == "elicitation/create")
    asked.demand = await result(await asked.send({key: ADA, "unknown": 7}))
    assert list(asked.demand["inputRequests"].values()) == [request for k, request in first.items() if k != key]
    assert text(await asked.answer({"role": "assistant"})) == [ADA, {"role": "assistant"}]


async def test_reserved_and_older_fields_do_not_reach_the_client(client: HttpClient, host: FakeHost) -> None:
    params: dict[str, object] = {
        **ASK,
        "mode": "url",
        "url": "https://example.test",
        "elicitationId": "e",
        "task": {},
        "_meta": {"progressToken": 1, META + "related-task": {}, "vendor/x": 1},
    }

    async def ask(call: FakeCall) -> bytes:
        return said(await put(call, question(call, params=params)))

    host.servers["one"].tools["ask"] = ask
    asked = Asked(client, "ask", {CAPABILITIES: {"elicitation": {"url": {}}}})
    (request,) = (await asked.begin())["inputRequests"].values()
    assert request["params"] == {**ASK, "mode": "url", "url": "https://example.test", "_meta": {"vendor/x": 1}}
    assert text(await asked.answer({"action": "accept"})) == {"action": "accept"}


@pytest.mark.parametrize(
    ("capabilities", "tool"),
    [({}, "form"), ({"sampling": {}}, "form"), ({"elicitation": {"url": {}}}, "form"), ({"elicitation": {}}, "sample")],
)
async def test_client_that_cannot_be_asked_is_answered_for(client: HttpClient, capabilities: object, tool: str) -> None:
    asked = Asked(client, tool, {CAPABILITIES: capabilities})
    assert text(await asked.begin())["error"] == -32600


async def test_progress_and_logs_go_to_the_request_that_waits(client: HttpClient) -> None:
    meta: dict[str, object] = {**FORM, META + "logLevel": "info"}
    asked = Asked(client, "reporting", {**meta, "progressToken": "first"})
    response = await client.modern("tools/call", asked.params, meta=asked.meta)
    progress, answer = await response.messages()
    assert progress["params"] == {"progressToken": "first", "progress": 1}
    asked.demand = answer["result"]
    answers = dict.fromkeys(asked.demand["inputRequests"], ADA)
    messages = await (await asked.send(answers, meta={**meta, "progressToken": "second"})).messages()
    assert messages[0]["params"] == {"progressToken": "second", "progress": 2}
    assert messages[1]["params"]["data"] == "after"
    assert text(messages[2]["result"]) == ADA


async def test_each_of_many_calls_gets_its_own_answer(client: HttpClient, host: FakeHost) -> None:
    calls = [Asked(client, "form") for _ in range(20)]
    await asyncio.gather(*(call.begin() for call in calls))
    assert len({id(call.thread) for call in host.calls}) == 20
    answers = [{"action": "accept", "content": {"n": n}} for n in range(20)]
    finals = await asyncio.gather(*(call.answer(answer) for call, answer in zip(calls, answers, strict=True)))
    assert [text(final) for final in finals] == answers


async def test_thread_of_a_request_that_is_asked_is_beside_its_sessions(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    await asked.answer(ADA)
    await Asked(client, "form").begin()
    first, second = (call.thread for call in host.calls)
    assert first is second
    assert first.beside is host.threads[0]


class WantsUrls:
    """A tool that runs only once some URLs were opened, as 2025-11-25 lets it say."""

    def __init__(self, *urls: str, data: object = None, rounds: int = 1) -> None:
        self.data = data or {"elicitations": [{"mode": "url", "url": url, "elicitationId": url} for url in urls]}
        self.rounds = rounds
        self.names: list[str] = []

    async def __call__(self, call: FakeCall) -> bytes:
        self.names.append(call.params["name"])
        if len(self.names) <= self.rounds:
            raise RpcError("one", -32042, "open these first", encode(self.data))
        return said("opened")


URL: dict[str, object] = {CAPABILITIES: {"elicitation": {"url": {}}}}


@pytest.mark.parametrize("path", ["/mcp/one", "/mcp"])
async def test_error_that_wants_urls_opened_is_a_question(port: int, host: FakeHost, path: str) -> None:
    tool = host.servers["one"].tools["wants"] = WantsUrls("https://a.test", "https://b.test")
    async with HttpClient(port, path) as client:
        asked = Asked(client, "wants" if path == "/mcp/one" else "one__wants", URL)
        requests = (await asked.begin())["inputRequests"].values()
        assert [request["params"] for request in requests] == [
            {"mode": "url", "url": "https://a.test"},
            {"mode": "url", "url": "https://b.test"},
        ]
        assert text(await asked.answer({"action": "accept"})) == "opened"
    assert tool.names == ["wants", "wants"]


async def test_error_that_wants_urls_opened_is_told_if_they_are_not(client: HttpClient, host: FakeHost) -> None:
    tool = host.servers["one"].tools["wants"] = WantsUrls("https://a.test")
    asked = Asked(client, "wants", URL)
    await asked.begin()
    answer = await (await asked.send({key: {"action": "decline"} for key in asked.demand["inputRequests"]})).json()
    assert answer["error"]["code"] == -32042
    assert len(tool.names) == 1


async def test_server_that_always_wants_urls_opened_is_asked_so_often_only(client: HttpClient, host: FakeHost) -> None:
    tool = host.servers["one"].tools["wants"] = WantsUrls("https://a.test", rounds=1000)
    asked = Asked(client, "wants", URL)
    await asked.begin()
    for _ in range(9):
        assert (await asked.answer({"action": "accept"}))["resultType"] == "input_required"
    answer = await (await asked.send({key: {"action": "accept"} for key in asked.demand["inputRequests"]})).json()
    assert answer["error"]["code"] == -32042
    assert len(tool.names) == 11


@pytest.mark.parametrize(
    "data",
    [
        {"elicitations": []},
        {"elicitations": [{"message": "no URL"}]},
        {"elicitations": [{"url": 7}]},
        {"elicitations": "x"},
        {"elicitations": [{"url": "https://a.test"}] * 17},
        [1],
    ],
)
async def test_error_that_wants_nothing_that_can_be_asked_is_told(
    client: HttpClient, host: FakeHost, data: object
) -> None:
    host.servers["one"].tools["wants"] = WantsUrls(data=data)
    answer = await (await client.modern("tools/call", {"name": "wants"}, meta=URL)).json()
    assert answer["error"]["code"] == -32042


async def test_client_that_opens_no_urls_is_told_the_error(client: HttpClient, host: FakeHost) -> None:
    host.servers["one"].tools["wants"] = WantsUrls("https://a.test")
    answer = await (await client.modern("tools/call", {"name": "wants"}, meta=FORM)).json()
    assert answer["error"]["code"] == -32042


# ------------------------------------------------------------------ states that are not to be trusted


async def test_state_is_good_once(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "wizard")
    await asked.begin()
    used = asked.demand
    await asked.answer(ADA)
    fresh, asked.demand = asked.demand, used
    assert await refusal(await asked.send(dict.fromkeys(fresh["inputRequests"], ADA))) == "over"
    asked.demand = fresh
    assert (await asked.answer(ADA))["resultType"] == "input_required"
    assert len(host.calls) == 1


async def test_of_two_retries_at_once_one_is_taken(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    answers = dict.fromkeys(asked.demand["inputRequests"], ADA)
    first, second = await asyncio.gather(asked.send(answers), asked.send(answers))
    assert sorted((first.status, second.status)) == [200, 400]
    assert await refusal(first if first.status == 400 else second) == "over"
    assert len(host.calls) == 1


async def test_state_after_the_end_is_refused(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    demand = await asked.begin()
    await asked.answer(ADA)
    asked.demand = demand
    assert await refusal(await asked.send({})) == "over"
    assert len(host.calls) == 1


async def test_state_of_another_client_is_refused_and_stays_good(client: HttpClient, host: FakeHost, port: int) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    async with HttpClient(port, token="other-" + (client.token or "")) as thief:
        asked.client = thief
        answers = {key: {"action": "accept", "content": {"name": "Eve"}} for key in asked.demand["inputRequests"]}
        assert await refusal(await asked.send(answers)) == "other principal"
    asked.client = client
    assert text(await asked.answer(ADA)) == ADA


async def test_state_of_another_endpoint_is_refused(client: HttpClient, host: FakeHost, port: int) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    async with HttpClient(port, "/mcp") as elsewhere:
        asked.client = elsewhere
        assert await refusal(await asked.send({})) == "other endpoint"
    assert len(host.calls) == 1


@pytest.mark.parametrize(
    "params", [{"arguments": {"a": 2, "b": [2]}}, {"name": "sample"}, {"more": 1}, {"arguments": {"a": 1, "b": [3]}}]
)
async def test_state_on_another_request_is_refused(client: HttpClient, host: FakeHost, params: object) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    assert await refusal(await asked.send({}, params=params)) == "other request"
    assert text(await asked.answer(ADA)) == ADA
    assert len(host.calls) == 1


async def test_order_of_members_does_not_matter(client: HttpClient) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    asked.params = {"arguments": {"b": [2], "a": 1}, "name": "form"}
    assert text(await asked.answer(ADA)) == ADA


async def test_state_on_another_method_is_refused(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    asked.method = "prompts/get"
    assert await refusal(await asked.send({})) == "other request"
    assert len(host.calls) == 1


@pytest.mark.parametrize("state", ["", "x", "A" * 200, "é", 7, None, {"a": 1}, ["x"]])
async def test_anything_else_for_a_state_is_refused(client: HttpClient, host: FakeHost, state: object) -> None:
    asked = Asked(client, "form")
    asked.demand = {"requestState": state}
    assert await refusal(await asked.send({})) == "not ours"
    assert host.calls == []


async def test_changed_state_is_refused(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    good = (await asked.begin())["requestState"]
    for position in range(0, len(good) - 1, 7):
        changed = good[:position] + ("A" if good[position] != "A" else "B") + good[position + 1 :]
        asked.demand = {"requestState": changed}
        assert await refusal(await asked.send({})) == "not ours"
    assert len(host.calls) == 1


async def test_answers_without_a_state_are_refused(client: HttpClient, host: FakeHost) -> None:
    response = await client.modern("tools/call", {"name": "form", "inputResponses": {"question-1": ADA}}, meta=FORM)
    assert await refusal(response) == "no state"
    assert host.calls == []


async def test_state_of_a_daemon_before_is_refused(host: FakeHost, limits: Limits) -> None:
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as client:
        asked = Asked(client, "form")
        await asked.begin()
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as client:
        asked.client = client
        assert await refusal(await asked.send({})) == "over"
    assert len(host.calls) == 1


@pytest.mark.parametrize("answers", [7, [], "x", True])
async def test_answers_that_are_no_object_are_refused_without_harm(client: HttpClient, answers: Any) -> None:
    asked = Asked(client, "form")
    await asked.begin()
    response = await asked.send(answers)
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32602)
    assert text(await asked.answer(ADA)) == ADA


@pytest.mark.parametrize("answer", [7, [], "x", {}, {"action": "yes"}, {"action": 1}, None])
async def test_answer_that_is_none_is_refused_without_harm(client: HttpClient, answer: Any) -> None:
    asked = Asked(client, "form")
    demand = await asked.begin()
    response = await asked.send(dict.fromkeys(demand["inputRequests"], answer))
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32602)
    assert text(await asked.answer(ADA)) == ADA


async def test_retry_is_held_to_its_headers(client: HttpClient, host: FakeHost) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "x-mcp-header": "A"}}}
    host.servers["one"].definitions["form"] = {"inputSchema": schema}
    asked = Asked(client, "form")
    response = await client.modern("tools/call", asked.params, meta=asked.meta, headers={"Mcp-Param-A": "1"})
    asked.demand = await result(response)
    answers = dict.fromkeys(asked.demand["inputRequests"], ADA)
    response = await asked.send(answers, headers={"Mcp-Param-A": "2"})
    assert (response.status, (await response.json())["error"]["code"]) == (400, -32020)
    assert text(await result(await asked.send(answers, headers={"Mcp-Param-A": "1"}))) == ADA


# ------------------------------------------------------------------ ends


async def test_end_of_the_first_response_ends_nothing(client: HttpClient, host: FakeHost) -> None:
    asked = Asked(client, "form")
    response = await client.modern("tools/call", asked.params, meta=asked.meta)
    asked.demand = await result(response)
    await response.close()
    await client.modern("tools/list")
    assert not host.calls[0].cancelled
    assert text(await asked.answer(ADA)) == ADA


async def test_client_that_closes_the_retry_cancels_the_call(client: HttpClient, host: FakeHost) -> None:
    async def asks_and_works(call: FakeCall) -> bytes:
        await put(call, question(call))
        call.report(1)
        await asyncio.Event().wait()
        raise AssertionError

    host.servers["one"].tools["work"] = asks_and_works
    asked = Asked(client, "work", {**FORM, "progressToken": 1})
    await asked.begin()
    response = await asked.send(dict.fromkeys(asked.demand["inputRequests"], ADA))
    assert response.is_stream
    await response.close()
    await until(lambda: host.calls[0].cancelled)


async def test_client_that_does_not_come_back_is_answered_for_and_the_call_ends(host: FakeHost) -> None:
    told: list[Any] = []

    async def note(call: FakeCall, asked: Question) -> None:
        told.append(await put(call, asked))

    async def patient(call: FakeCall) -> bytes:
        asking = [question(call), question(call, "sampling/createMessage", {"messages": [], "maxTokens": 1})]
        notes = [asyncio.create_task(note(call, one)) for one in asking]
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.wait(notes)
        raise AssertionError

    host.servers["one"].tools["patient"] = patient
    gateway = gateway_for(host, Limits(question_gather=0.001, parked_timeout=0.05))
    async with serving(gateway) as port, HttpClient(port) as client:
        asked = Asked(client, "patient")
        await asked.begin()
        await until(lambda: host.calls[0].cancelled)
        assert await refusal(await asked.send({})) in ("over", "expired")
    assert told[0] == {"action": "cancel"}
    assert told[1]["error"] == -32001
    assert len(host.calls) == 1


async def test_too_many_calls_that_ask_are_answered_for(host: FakeHost) -> None:
    gateway = gateway_for(host, Limits(question_gather=0.001, parked=3, parked_per_client=2))
    async with serving(gateway) as port, HttpClient(port) as client, HttpClient(port) as other:
        other.token = "other-" + (client.token or "")
        calls = [Asked(client, "form") for _ in range(3)]
        for call in calls[:2]:
            assert (await call.begin())["resultType"] == "input_required"
        assert text(await calls[2].begin())["error"] == -32603
        theirs = [Asked(other, "form") for _ in range(2)]
        assert (await theirs[0].begin())["resultType"] == "input_required"
        assert text(await theirs[1].begin())["error"] == -32603
        assert text(await calls[0].answer(ADA)) == ADA
        assert (await Asked(client, "form").begin())["resultType"] == "input_required"


async def test_withdrawn_question_leaves_the_result_for_the_retry(client: HttpClient, host: FakeHost) -> None:
    withdrawn, finished = asyncio.Event(), asyncio.Event()

    async def withdraws(call: FakeCall) -> bytes:
        asking = asyncio.create_task(put(call, question(call)))
        await withdrawn.wait()
        asking.cancel()
        await asyncio.wait([asking])
        finished.set()
        return said("done without")

    host.servers["one"].tools["withdraws"] = withdraws
    asked = Asked(client, "withdraws")
    await asked.begin()
    withdrawn.set()
    await finished.wait()
    assert text(await asked.answer(ADA)) == "done without"


async def test_result_too_large_to_wait_for_its_client_is_an_error(host: FakeHost) -> None:
    withdrawn = asyncio.Event()

    async def withdraws(call: FakeCall) -> bytes:
        asking = asyncio.create_task(put(call, question(call)))
        await withdrawn.wait()
        asking.cancel()
        return said("x" * 2000)

    host.servers["one"].tools["withdraws"] = withdraws
    gateway = gateway_for(host, Limits(question_gather=0.001, replay_bytes=1000))
    async with serving(gateway) as port, HttpClient(port) as client:
        asked = Asked(client, "withdraws")
        demand = await asked.begin()
        withdrawn.set()
        answer = await (await asked.send(dict.fromkeys(demand["inputRequests"], ADA))).json()
    assert "too large" in answer["error"]["message"]


async def test_server_that_dies_meanwhile_is_told_with_the_retry(client: HttpClient, host: FakeHost) -> None:
    died = asyncio.Event()

    async def dies(call: FakeCall) -> bytes:
        asking = asyncio.create_task(put(call, question(call)))
        await died.wait()
        asking.cancel()
        raise CallOutcomeUnknown("one", "it exited", method="tools/call", tool="dies", restarted=True)

    host.servers["one"].tools["dies"] = dies
    asked = Asked(client, "dies")
    demand = await asked.begin()
    died.set()
    answer = await (await asked.send(dict.fromkeys(demand["inputRequests"], ADA))).json()
    assert answer["error"]["code"] == -32011


async def test_end_of_the_gateway_ends_the_call(host: FakeHost, limits: Limits) -> None:
    async with serving(gateway_for(host, limits)) as port, HttpClient(port) as client:
        await Asked(client, "form").begin()
    assert host.calls[0].cancelled
    assert host.open_threads == []


async def test_thread_of_a_cancelled_call_is_not_used_again(client: HttpClient, host: FakeHost) -> None:
    """Its server may still ask on behalf of what was cancelled."""

    async def work(call: FakeCall) -> bytes:
        call.report(1)
        await asyncio.Event().wait()
        raise AssertionError

    host.servers["one"].tools["work"] = work
    response = await client.modern("tools/call", {"name": "work"}, meta={**FORM, "progressToken": 1})
    await response.close()
    await until(lambda: host.calls[0].cancelled)
    await Asked(client, "form").begin()
    assert host.calls[0].thread is not host.calls[1].thread
    assert host.calls[0].thread.closed


async def test_retry_may_ask_for_other_log_lines(client: HttpClient) -> None:
    """It is another context, and so another session; the call is the same."""
    asked = Asked(client, "reporting", FORM)
    await asked.begin()
    asked.meta = {**FORM, META + "logLevel": "debug"}
    messages = await (await asked.send(dict.fromkeys(asked.demand["inputRequests"], ADA))).messages()
    assert [message.get("method") for message in messages] == ["notifications/message", None]
