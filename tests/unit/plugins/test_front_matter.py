"""Heads of SKILL.md files as people write them."""

from __future__ import annotations

import pytest

from mcpool.plugins.front_matter import split


@pytest.mark.parametrize(
    ("head", "description"),
    [
        ("description: Plain text", "Plain text"),
        ("description: Use it when: the user asks", "Use it when: the user asks"),
        ("description: Text # a remark", "Text"),
        ("description: C#, F# and so on", "C#, F# and so on"),
        ('description: "Quoted: \\"so\\" \\u00e4"', 'Quoted: "so" \u00e4'),
        ("description: 'It''s quoted'", "It's quoted"),
        ('description: "over\n  two lines"', "over two lines"),
        ("description: Plain\n  over two lines", "Plain over two lines"),
        ("description: >\n  Folded\n  text\n\n  and more", "Folded text\nand more"),
        ("description: |-\n  Literal\n    text", "Literal\n  text"),
        ("description:\n  On the next line", "On the next line"),
    ],
)
def test_a_text_is_read_however_it_is_written(head: str, description: str) -> None:
    fields, body = split(f"---\nname: x\n{head}\nlicense: MIT\n---\n\nBody\n")
    assert (fields["name"], fields["description"], fields["license"], body) == ("x", description, "MIT", "Body")


@pytest.mark.parametrize(
    "value", ["\n  author: a\n  tags: b", "\n- one\n- two", "[a, b]", "{a: b}", "&a b", "*a", "!!python/object x"]
)
def test_what_is_no_text_is_passed_over(value: str) -> None:
    assert split(f"---\nname: x\nmetadata: {value}\n---\n")[0] == {"name": "x"}


def test_a_text_without_a_head_is_all_body() -> None:
    assert split("# Title\n---\nname: x\n---\n") == ({}, "# Title\n---\nname: x\n---\n")


def test_line_ends_and_marks_of_other_systems_do_not_matter() -> None:
    assert split("\ufeff---\r\nname: x\r\n---\r\nBody\r\n") == ({"name": "x"}, "Body")


def test_a_head_without_an_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not end"):
        split("---\nname: x\n")
