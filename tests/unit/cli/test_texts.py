"""Small texts of the command line."""

from __future__ import annotations

from typing import Any

import pytest

from mcpool.cli.call import content_text, progress_text
from mcpool.cli.tools import arguments_text, first_sentence


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"progress": 1, "total": 4}, "1/4"),
        ({"progress": 0.5}, "0.5"),
        ({"progress": 2, "total": 4, "message": "reading"}, "2/4 reading"),
    ],
)
def test_progress_in_a_few_words(params: dict[str, Any], text: str) -> None:
    assert progress_text(params) == text


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "hi"}, "hi"),
        (
            {"type": "image", "mimeType": "image/png", "data": "aaaa"},
            "[image, image/png, 4 characters of base64; see --json]",
        ),
        ({"type": "resource_link", "uri": "file:///a"}, "[resource file:///a]"),
        ({"type": "resource", "resource": {"uri": "a:", "text": "inside"}}, "inside"),
        ({"type": "resource", "resource": {"uri": "a:", "blob": "xx"}}, "[resource a:]"),
        ({"type": "hologram"}, "[hologram; see --json]"),
    ],
)
def test_a_content_block_as_text(block: dict[str, Any], text: str) -> None:
    assert content_text(block) == text


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Says hello. And more.", "Says hello."),
        ("\n  Says hello\nand more", "Says hello"),
        ("Reads e.g.this", "Reads e.g.this"),
        ("", ""),
    ],
)
def test_of_a_description_the_first_sentence_is_shown(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_optional_arguments_stand_in_brackets() -> None:
    assert arguments_text({"properties": {"path": {}, "limit": {}}, "required": ["path"]}) == "path [limit]"


def test_a_tool_without_a_schema_has_no_arguments_to_show() -> None:
    assert arguments_text(None) == ""
