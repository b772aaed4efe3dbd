"""A round of questions: what the client is shown, and which answers are taken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mcpool.backend.holder import Question
from mcpool.gateway.failure import Failure
from mcpool.gateway.input_round import input_required, read_answers, without_marks

FORM = Question("one", "elicitation/create", b'{"message":"?"}')
SAMPLE = Question("one", "sampling/createMessage", b'{"messages":[]}')


def shown(params: bytes) -> Any:
    result = json.loads(input_required({"k": Question("one", "elicitation/create", params)}, "s"))
    assert (result["resultType"], result["requestState"]) == ("input_required", "s")
    return result["inputRequests"]["k"]["params"]


def answers(value: object, **questions: Question) -> dict[str, Any]:
    taken = read_answers({"inputResponses": Raw(json.dumps(value).encode())}, questions)
    return {key: json.loads(answer) for key, answer in taken.items()}


def test_result_is_one_line() -> None:
    assert b"\n" not in input_required({"k": Question("one", "elicitation/create", b'{\n"message":\r\n"?"}')}, "s")


def test_what_an_older_revision_adds_is_taken_out() -> None:
    params = {"message": "?", "task": {"ttl": 1}, "elicitationId": "e", "_meta": {"progressToken": 1}}
    assert shown(json.dumps(params).encode()) == {"message": "?"}


def test_meta_of_others_stays() -> None:
    params = {"_meta": {"io.modelcontextprotocol/related-task": {"taskId": "t"}, "com.example/x": [1]}}
    assert shown(json.dumps(params).encode()) == {"_meta": {"com.example/x": [1]}}


@pytest.mark.parametrize("params", [b"[1]", b'{"_meta":3}', b"null"])
def test_params_of_no_known_form_are_shown_as_they_are(params: bytes) -> None:
    assert shown(params) == json.loads(params)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())))
def test_answers_to_other_questions_are_left_out(given_: dict[str, dict[str, int]]) -> None:
    given_.pop("k", None)
    assert answers({**given_, "k": {"role": "assistant"}}, k=SAMPLE) == {"k": {"role": "assistant"}}


@pytest.mark.parametrize("value", [{}, None])
def test_no_answers_are_none(value: object) -> None:
    assert answers(value, k=FORM) == {}
    assert read_answers({}, {"k": FORM}) == {}


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
def test_choice_of_a_user_is_taken(action: str) -> None:
    assert answers({"k": {"action": action, "content": {"a": 1}}}, k=FORM)["k"]["action"] == action


@pytest.mark.parametrize(
    "value", [[], 1, "x", {"k": 1}, {"k": None}, {"k": []}, {"k": {}}, {"k": {"action": "agree"}}, {"k": {"action": 1}}]
)
def test_answer_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Failure, match="inputResponses"):
        answers(value, k=FORM)


MARKED: dict[str, Any] = {
    "method": "elicitation/create",
    "params": {"message": "?", "_meta": {"mcpool/approval": {}, "x": 1}},
}
PLAIN: dict[str, Any] = {"method": "elicitation/create", "params": {"message": "?", "_meta": {"x": 1}}}


@pytest.mark.parametrize(
    ("plain", "spelt"),
    [
        ("", ""),
        ("inputRequests", "input\\u0052equests"),
        ("mcpool/approval", "mcpool\\/approval"),
        ("params", "\\u0070arams"),
    ],
)
def test_what_a_server_asks_by_its_result_cannot_pass_for_an_approval(plain: str, spelt: str) -> None:
    asked: dict[str, Any] = {"a": MARKED, "odd": 3, "none": {"method": "roots/list"}, "b": MARKED}
    result: dict[str, Any] = {"resultType": "input_required", "inputRequests": asked, "requestState": "s"}
    shown = json.loads(without_marks(json.dumps(result).replace(plain, spelt).encode()))
    assert shown == {**result, "inputRequests": {**asked, "a": PLAIN, "b": PLAIN}}


@pytest.mark.parametrize(
    "result", [b'{"content":[]}', b'{"content":["\\u0041"]}', b'{"inputRequests":7}', b'{"text":"inputRequests"}']
)
def test_any_other_result_stays_as_it_is(result: bytes) -> None:
    assert without_marks(result) is result
