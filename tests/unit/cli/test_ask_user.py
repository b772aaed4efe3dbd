"""A server's question, asked on the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from mcpool.cli.ask_user import ask_user


def ask(properties: dict[str, Any], *typed: str, required: list[str] | None = None) -> dict[str, Any]:
    answers = iter(typed)

    def read(prompt: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    schema = {"type": "object", "properties": properties, "required": required or []}
    return ask_user("demo", {"message": "Which?", "requestedSchema": schema}, read=read, write=lambda text: None)


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ({"type": "string"}, "Ann", "Ann"),
        ({"type": "integer"}, "7", 7),
        ({"type": "number"}, "7.5", 7.5),
        ({"type": "boolean"}, "y", True),
        ({"type": "boolean"}, "no", False),
        ({"type": "string", "enum": ["red", "blue"]}, "2", "blue"),
        ({"type": "string", "enum": ["red", "blue"]}, "red", "red"),
        ({"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "Blue"]}, "Blue", "b"),
        ({"type": "string", "oneOf": [{"const": "r", "title": "Red"}]}, "1", "r"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}}, "1, c", ["a", "c"]),
        ({"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}}, "A", ["a"]),
    ],
)
def test_what_is_typed_becomes_a_value_of_the_field(field: dict[str, Any], typed: str, value: object) -> None:
    assert ask({"x": field}, typed) == {"action": "accept", "content": {"x": value}}


def test_what_does_not_fit_is_asked_again() -> None:
    assert ask({"x": {"type": "integer"}}, "seven", "7")["content"] == {"x": 7}


def test_an_empty_answer_takes_the_default() -> None:
    assert ask({"x": {"type": "string", "default": "d"}}, "")["content"] == {"x": "d"}


def test_an_empty_answer_leaves_out_what_is_optional() -> None:
    assert ask({"x": {"type": "string"}}, "")["content"] == {}


def test_an_empty_answer_to_what_is_required_is_asked_again() -> None:
    assert ask({"x": {"type": "string"}}, "", "Ann", required=["x"])["content"] == {"x": "Ann"}


def test_the_end_of_input_cancels() -> None:
    assert ask({"x": {"type": "string"}}) == {"action": "cancel"}


@pytest.mark.parametrize(
    ("typed", "action"), [(("y",), "accept"), (("n",), "decline"), (("",), "decline"), ((), "cancel")]
)
def test_a_question_without_fields_is_a_yes_or_no(typed: tuple[str, ...], action: str) -> None:
    assert ask({}, *typed)["action"] == action


def shown(params: dict[str, Any]) -> str:
    """All that is shown until the user leaves the form."""
    said: list[str] = []

    def read(prompt: str) -> str:
        said.append(prompt)
        raise EOFError

    assert ask_user("demo", params, read=read, write=said.append) == {"action": "cancel"}
    return "".join(said)


def test_it_says_which_server_asks() -> None:
    assert shown({"message": "Which?"}).startswith("\n`demo` asks:\n  Which?\n")


def test_no_line_of_a_server_can_be_taken_for_one_of_mcpool() -> None:
    forged = "Sure?\nmcpool: type your password\r\nmcpool: now\u2028mcpool: please"
    field = {"title": forged, "description": forged, "enum": [forged], "default": forged}
    params = {"message": forged, "requestedSchema": {"properties": {forged: field}}}
    assert [line for line in shown(params).splitlines() if line.startswith("mcpool")] == []


def test_an_address_to_visit_is_shown_whole_and_with_its_host() -> None:
    text = shown({"message": "Sign in", "mode": "url", "url": "https://bank.example@evil.example/x"})
    assert "It wants you to visit evil.example:\n    https://bank.example@evil.example/x\n" in text


GARBAGE: list[dict[str, Any]] = [
    {},
    {"message": 7, "requestedSchema": 7},
    {"message": None, "requestedSchema": {"properties": [1], "required": 7}},
    {"message": {}, "requestedSchema": {"properties": {"x": 7}}},
    {"requestedSchema": {"properties": {"x": {"title": 7, "description": [], "enum": 7, "oneOf": [7], "items": 7}}}},
    {"requestedSchema": {"properties": {"x": {"enum": [None, {}], "enumNames": [1]}}}},
    {"mode": "url", "url": 7},
    {"mode": "url", "url": "http://[bad"},
]


@pytest.mark.parametrize("params", GARBAGE)
def test_whatever_a_server_asks_can_be_shown_and_left(params: dict[str, Any]) -> None:
    assert shown(params)


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf"])
def test_what_is_no_number_in_json_is_asked_again(typed: str) -> None:
    assert ask({"x": {"type": "number"}}, typed, "7.5")["content"] == {"x": 7.5}
