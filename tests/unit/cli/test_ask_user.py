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
    return ask_user({"message": "Which?", "requestedSchema": schema}, read=read, write=lambda text: None)


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
