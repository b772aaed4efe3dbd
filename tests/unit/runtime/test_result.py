"""What a tool call returned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpool.runtime.result import ToolResult


def result(**value: Any) -> ToolResult:
    return ToolResult(json.dumps(value).encode())


def test_the_raw_json_is_kept() -> None:
    raw = b'{ "content" : [] , "vendor":1}'
    assert ToolResult(raw).raw == raw


def test_text_blocks_are_joined_for_a_model() -> None:
    assert result(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]).for_model() == "a\nb"


def test_structured_content_beats_text_for_a_model() -> None:
    made = result(content=[{"type": "text", "text": "a"}], structuredContent={"n": 1})
    assert (made.for_model(), made.structured) == ('{"n":1}', {"n": 1})


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "image", "mimeType": "image/png", "data": "AA=="}, "[image of type image/png]"),
        ({"type": "audio", "mimeType": "audio/wav", "data": "AA=="}, "[audio of type audio/wav]"),
        ({"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}, "inside"),
        (
            {"type": "resource", "resource": {"uri": "file:///a", "blob": "AA==", "mimeType": "x/y"}},
            "[binary resource file:///a of type x/y]",
        ),
        ({"type": "resource_link", "uri": "file:///a", "name": "a"}, "[resource file:///a: a]"),
        ({"type": "hologram"}, "[hologram of type unknown]"),
    ],
)
def test_a_block_that_is_no_text_is_noted_in_its_place(block: Any, text: str) -> None:
    assert result(content=[block]).for_model() == text


@pytest.mark.parametrize(("value", "error"), [({}, False), ({"isError": False}, False), ({"isError": True}, True)])
def test_whether_the_tool_says_that_it_failed(value: Any, error: bool) -> None:
    assert result(**value).is_error is error


def test_a_result_without_anything_is_an_empty_one() -> None:
    made = result()
    assert (made.content, made.structured, made.for_model()) == ([], None, "")


def test_a_long_result_is_shown_short() -> None:
    shown = repr(result(content=[{"type": "text", "text": "x" * 10_000}], isError=True))
    assert len(shown) < 300
    assert "error" in shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"5", ""),
        (b'{"content":"x"}', ""),
        (b'{"content":[1,{"type":"text","text":"kept"}]}', "kept"),
        (b'{"content":[{"type":"resource","resource":3}]}', "[binary resource  of type unknown]"),
    ],
)
def test_what_is_no_result_at_all_is_an_empty_one(raw: bytes, text: str) -> None:
    result = ToolResult(raw)
    assert (result.for_model(), result.is_error, result.structured) == (text, False, None)
