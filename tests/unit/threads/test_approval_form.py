"""An approval as a question that any client can show, and what counts as a yes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_types import ElicitRequestFormParams

from mcpool.backend.tools import Annotations
from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalChoice, ApprovalRequest
from mcpool.threads.approval_form import MARK, approval_answer, approval_question, without_mark

ALL: tuple[ApprovalChoice, ...] = ("once", "session", "always", "deny")
REQUEST = ApprovalRequest(
    "git", "push", b'{"force":\n true}', Annotations(destructive_hint=True), "Push commits", "Sends them.", ALL
)


def asked(request: ApprovalRequest = REQUEST) -> dict[str, Any]:
    return json.loads(approval_question(request))


def test_the_form_offers_the_choices_of_the_request() -> None:
    form = asked()["requestedSchema"]["properties"]["decision"]
    assert tuple(form["enum"]) == ALL
    assert len(form["enumNames"]) == len(ALL)
    only = asked(ApprovalRequest("git", "push", b"{}", Annotations()))
    assert only["requestedSchema"]["properties"]["decision"]["enum"] == ["once", "deny"]


def test_it_is_a_form_by_the_protocol() -> None:
    ElicitRequestFormParams.model_validate(asked())


def test_it_is_marked_as_an_approval_with_tool_title_and_parameters() -> None:
    assert asked()["_meta"][MARK] == {
        "kind": "mcp_tool_call",
        "server": "git",
        "tool": "push",
        "title": "Push commits",
        "description": "Sends them.",
        "annotations": {"destructiveHint": True},
        "choices": list(ALL),
        "arguments": {"force": True},
    }


def test_the_message_is_short_and_in_one_line_whatever_the_arguments() -> None:
    huge = ApprovalRequest("git", "push", b'{"a":"' + b"x" * 1_000_000 + b'"}', Annotations())
    question = approval_question(huge)
    assert len(question) < 4000
    assert "arguments" not in asked(huge)["_meta"][MARK]
    assert b"\n" not in approval_question(REQUEST)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b'{"action":"accept","content":{"decision":"session"}}', ApprovalAnswer("session")),
        (b'{"action":"accept","content":{"decision":"always","reason":"x"}}', ApprovalAnswer("always")),
        (b'{"action":"accept","content":{}}', ApprovalAnswer("once")),
        (b'{"action":"accept"}', ApprovalAnswer("once")),
        (b'{"action":"accept","content":{"decision":"deny","reason":"not now"}}', ApprovalAnswer("deny", "not now")),
        (b'{"action":"accept","content":{"decision":"deny","reason":7}}', ApprovalAnswer("deny")),
        (b'{"action":"accept","content":{"decision":"Allow this call"}}', ApprovalAnswer("deny")),
        (b'{"action":"accept","content":{"decision":true}}', ApprovalAnswer("deny")),
        (b'{"action":"accept","content":[]}', ApprovalAnswer("deny")),
        (b'{"action":"accept","content":"once"}', ApprovalAnswer("deny")),
        (b'{"action":"decline","content":{"decision":"once"}}', ApprovalAnswer("deny")),
        (b'{"action":"cancel"}', ApprovalAnswer("deny")),
        (b"{}", ApprovalAnswer("deny")),
        (b"[]", ApprovalAnswer("deny")),
        (b"nonsense", ApprovalAnswer("deny")),
        (b'{"action":7}', ApprovalAnswer("deny")),
    ],
)
def test_nothing_but_a_clear_yes_is_one(raw: bytes, answer: ApprovalAnswer) -> None:
    assert approval_answer(raw) == answer


@pytest.mark.parametrize(
    "meta",
    ['"mcpool/approval":{}', '"mcpool\\/approval":{"kind":1}', '"\\u006dcpool/approval":null,"mcpool/approval":1'],
)
def test_a_servers_question_cannot_be_marked_however_it_is_spelt(meta: str) -> None:
    params = without_mark(f'{{"message":"m","_meta":{{"other":1,{meta}}},"x":[1]}}'.encode())
    assert json.loads(params) == {"message": "m", "_meta": {"other": 1}, "x": [1]}


@pytest.mark.parametrize("params", [b'{"message":"mcpool/approval"}', b"[]", b'{"_meta":3}', b"nonsense"])
def test_any_other_question_stays_as_it_is(params: bytes) -> None:
    assert without_mark(params) is params
