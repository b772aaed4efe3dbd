"""What somebody is asked, and what an answer counts for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpool.backend.tools import Annotations, read_catalogue
from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalChoice, ApprovalRequest, approval_request

ALL: tuple[ApprovalChoice, ...] = ("once", "session", "always", "deny")


def request(arguments: bytes = b"{}", **definition: Any) -> ApprovalRequest:
    catalogue, _ = read_catalogue([json.dumps({"name": "push", **definition}).encode()], 1)
    return approval_request("git", catalogue.tools[0], arguments, ALL)


def test_the_text_names_server_tool_and_arguments() -> None:
    assert request(b'{"force":true}').text == 'Allow git to run `push` with {"force": true}?'
    assert request(title="Push commits").text == "Allow git to run `push` (Push commits) with {}?"
    assert request(annotations={"title": "Push"}).text == "Allow git to run `push` (Push) with {}?"
    assert request(title="push").text == "Allow git to run `push` with {}?"


def test_a_servers_words_are_bounded_and_tame() -> None:
    asked = request(name="\x1b[31m" * 99, title="a\nb" * 500, description="\u202e" * 5000)
    assert len(asked.title) <= 200
    assert len(asked.description) <= 1000
    assert len(asked.text) <= 500
    assert all(char.isprintable() for char in asked.title + asked.description + asked.text)


def test_titles_that_are_no_text_are_left_out() -> None:
    assert request(title=7).title == ""


def test_the_raw_name_and_the_exact_arguments_are_there_for_programs() -> None:
    asked = request(b'{ "a" :1}', name="a\nb")
    assert (asked.tool, asked.arguments, asked.annotations) == ("a\nb", b'{ "a" :1}', Annotations())


@pytest.mark.parametrize(
    ("answer", "offered", "counts"),
    [
        ("always", ALL, "always"),
        ("always", ("once", "session", "deny"), "session"),
        ("always", ("once", "deny"), "once"),
        ("session", ("once", "deny"), "once"),
        ("once", ALL, "once"),
        ("deny", ALL, "deny"),
    ],
)
def test_an_answer_beyond_the_offer_counts_as_the_nearest_smaller_one(
    answer: ApprovalChoice, offered: tuple[ApprovalChoice, ...], counts: ApprovalChoice
) -> None:
    assert ApprovalAnswer(answer).within(offered).choice == counts


def test_a_reason_is_bounded_and_tame() -> None:
    reason = ApprovalAnswer("deny", "no\x07" * 1000).within(ALL).reason
    assert len(reason) <= 500
    assert reason.isprintable()


def test_an_answer_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="once, session, always, deny"):
        ApprovalAnswer("yes")  # pyright: ignore[reportArgumentType]
