"""Checking the arguments of the demo tools."""

from __future__ import annotations

import math

import pytest

from mcpool.demo.arguments import check
from mcpool.demo.tool import Json, ToolError

SCHEMA: Json = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 3},
        "count": {"type": "integer", "default": 2, "minimum": 1, "maximum": 5},
        "ratio": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1},
        "flag": {"type": "boolean", "default": False},
    },
    "required": ["text"],
}


def test_defaults_are_filled_in():
    assert check(SCHEMA, {"text": "a"}) == {"text": "a", "count": 2, "ratio": 0.5, "flag": False}


def test_given_values_are_kept():
    given = {"text": "abc", "count": 5, "ratio": 1, "flag": True}
    assert check(SCHEMA, given) == given


def test_no_arguments_at_all_are_an_empty_object():
    assert check({"type": "object", "properties": {}}, None) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "argument 'text' is missing"),
        ({"text": "a", "size": 1}, "unknown argument 'size'; known: text, count, ratio, flag"),
        ({"text": 1}, "argument 'text' must be of type string"),
        ({"text": "a", "count": True}, "argument 'count' must be of type integer"),
        ({"text": "a", "count": 1.5}, "argument 'count' must be of type integer"),
        ({"text": "a", "flag": 1}, "argument 'flag' must be of type boolean"),
        ({"text": ""}, "length of argument 'text' must be at least 1"),
        ({"text": "abcd"}, "length of argument 'text' must be at most 3"),
        ({"text": "a", "count": 6}, "argument 'count' must be at most 5"),
        ({"text": "a", "ratio": math.nan}, "argument 'ratio' must be at least 0"),
        ([], "arguments must be a JSON object"),
    ],
)
def test_what_is_wrong_is_said(given: object, message: str):
    with pytest.raises(ToolError) as caught:
        check(SCHEMA, given)
    assert str(caught.value) == message
