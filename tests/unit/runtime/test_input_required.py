"""A modern server asks for input with its answer."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from mcpool.backend.holder import ClientFacts, Question, Root
from mcpool.errors import RpcError
from mcpool.runtime.input_required import MAX_QUESTIONS, MAX_ROUNDS, InputRequired, drive, input_required


class Somebody:
    """Answers every question with its message, and remembers them."""

    id = "t/s"
    conversation = "t"
    party = "t"

    def __init__(self, client: ClientFacts, failure: Exception | None = None) -> None:
        self.client = client
        self.questions: list[Question] = []
        self._failure = failure

    def on_notification(self, server: str, method: str, params: bytes | None) -> None: ...

    async def on_question(self, question: Question) -> bytes:
        self.questions.append(question)
        if self._failure is not None:
            raise self._failure
        return b'{"action":"accept"}'


FORM = ClientFacts(elicitation_form=True, roots=(Root("file:///a"),))
DONE = b'{"resultType":"complete","content":[]}'


def demand(**value: Any) -> bytes:
    return json.dumps({"resultType": "input_required", **value}).encode()


def elicit(key: str = "q") -> dict[str, Any]:
    return {key: {"method": "elicitation/create", "params": {"message": key}}}


def read(raw: bytes) -> InputRequired:
    found = input_required(raw)
    assert found is not None
    return found


class Server:
    """Gives these results, one for each time that the request is sent again."""

    def __init__(self, *results: bytes) -> None:
        self._results = list(results)
        self.sent: list[dict[str, Any]] = []

    async def again(self, fields: dict[str, bytes | msgspec.Raw]) -> bytes:
        self.sent.append({key: json.loads(bytes(value)) for key, value in fields.items()})
        return self._results.pop(0)


@pytest.mark.parametrize(
    "raw", [DONE, b'{"content":[{"type":"text","text":"input_required"}]}', b"[]", b'{"resultType":"input_required_"}']
)
def test_a_final_result_is_no_demand(raw: bytes) -> None:
    assert input_required(raw) is None


async def test_the_answers_go_back_with_the_servers_state() -> None:
    server, holder = Server(DONE), Somebody(FORM)
    first = read(demand(inputRequests={**elicit("a"), **elicit("b")}, requestState={"opaque": [1, None]}))
    assert await drive("s", first, holder, None, server.again) == DONE
    answer = {"action": "accept"}
    assert server.sent == [{"inputResponses": {"a": answer, "b": answer}, "requestState": {"opaque": [1, None]}}]
    assert sorted(json.loads(question.params)["message"] for question in holder.questions) == ["a", "b"]


async def test_it_may_ask_again_and_again() -> None:
    server = Server(demand(inputRequests=elicit(), requestState="2"), demand(inputRequests=elicit()), DONE)
    holder = Somebody(FORM)
    await drive("s", read(demand(inputRequests=elicit(), requestState="1")), holder, None, server.again)
    assert [sent.get("requestState") for sent in server.sent] == ["1", "2", None]
    assert len(holder.questions) == 3


async def test_but_not_for_ever() -> None:
    server = Server(*[demand(inputRequests=elicit())] * MAX_ROUNDS)
    with pytest.raises(RpcError, match=f"more than {MAX_ROUNDS} times"):
        await drive("s", read(demand(inputRequests=elicit())), Somebody(FORM), None, server.again)


async def test_and_not_more_at_once_than_anybody_can_answer() -> None:
    holder = Somebody(FORM)
    many = {f"q{number}": elicit()["q"] for number in range(MAX_QUESTIONS + 1)}
    with pytest.raises(RpcError, match=f"more than {MAX_QUESTIONS}"):
        await drive("s", read(demand(inputRequests=many)), holder, None, Server().again)
    assert holder.questions == []


async def test_a_demand_without_questions_is_sent_again_with_its_state() -> None:
    server = Server(DONE)
    await drive("s", read(demand(requestState="wait")), Somebody(FORM), None, server.again)
    assert server.sent == [{"requestState": "wait"}]


async def test_roots_are_answered_without_asking() -> None:
    server, holder = Server(DONE), Somebody(FORM)
    await drive("s", read(demand(inputRequests={"r": {"method": "roots/list"}})), holder, None, server.again)
    assert server.sent[0]["inputResponses"] == {"r": {"roots": [{"uri": "file:///a"}]}}
    assert holder.questions == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"method": "sampling/createMessage", "params": {}}, "sample a model"),
        ({"method": "elicitation/create", "params": {"mode": "url"}}, "open a URL"),
    ],
)
async def test_what_the_client_cannot_do_is_an_error_that_says_so(request_: Any, words: str) -> None:
    server = Server()
    with pytest.raises(RpcError, match=words):
        await drive("s", read(demand(inputRequests={"x": request_})), Somebody(FORM), None, server.again)
    assert server.sent == []


async def test_a_client_without_roots_has_none_to_tell() -> None:
    holder = Somebody(ClientFacts())
    with pytest.raises(RpcError, match="no roots"):
        await drive("s", read(demand(inputRequests={"r": {"method": "roots/list"}})), holder, None, Server().again)


@pytest.mark.parametrize(
    ("failure", "words"),
    [(RpcError("s", -32000, "not now"), "not now"), (ZeroDivisionError("oops"), "ZeroDivisionError")],
)
async def test_a_failed_answer_is_one_error_however_many_questions_there_are(failure: Exception, words: str) -> None:
    first = read(demand(inputRequests={**elicit("a"), **elicit("b")}))
    with pytest.raises(RpcError, match=words):
        await drive("s", first, Somebody(FORM, failure), None, Server().again)
