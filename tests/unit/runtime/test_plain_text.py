"""What a person is shown of other people's words."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.runtime.plain_text import MAX_ARGUMENTS, plain, plain_arguments

LONGEST = 2000 + MAX_ARGUMENTS * 2 + 40
any_text = st.text(st.characters(codec=None))
any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def is_fit_to_show(text: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)


@given(any_text, st.integers(64, 300))
def test_text_is_bounded_and_without_control_characters(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert is_fit_to_show(shown)


def test_what_prints_nothing_or_turns_others_around_is_shown_as_what_it_is() -> None:
    assert plain("a\x1b[2Jb\u202ec\u200bd\U000e0041", 99) == r"a\u001b[2Jb\u202ec\u200bd\U000e0041"


def test_all_white_space_is_a_blank() -> None:
    assert plain("a\r\nb\tc\u2028d\u00a0e", 99) == "a  b c d e"


def test_of_a_long_text_both_ends_are_shown_with_its_length() -> None:
    assert plain("a" * 1000 + "; rm -rf /", 100) == "a" * 48 + " ... (1010 characters) ... " + "a" * 15 + "; rm -rf /"


@given(st.dictionaries(st.text(), any_json))
def test_arguments_are_bounded_and_without_control_characters(arguments: dict[str, Any]) -> None:
    shown = plain_arguments(json.dumps(arguments).encode())
    assert len(shown) <= LONGEST
    assert is_fit_to_show(shown)


@given(st.binary())
def test_any_bytes_at_all_can_be_shown(raw: bytes) -> None:
    shown = plain_arguments(raw)
    assert len(shown) <= LONGEST
    assert is_fit_to_show(shown)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"{}", "{}"),
        (b'{\n  "a": 1,\n\n"b":[ {"c" :null} ]}', '{"a": 1, "b": [{"c": null}]}'),
        (b'{"path":"/a","path":"/b"}', '{"path": "/a", "path": "/b"}'),
        (b'{"a":{"x":1,"x":2}}', '{"a": {"x": 1, "x": 2}}'),
        ('{"a":"ä\\u00e4"}'.encode(), '{"a": "ää"}'),
        (b"[1,2]", "[1,2]"),
        (b"not json \xff", "not json \ufffd"),
    ],
)
def test_arguments_are_shown_as_a_server_may_read_them(raw: bytes, shown: str) -> None:
    assert plain_arguments(raw) == shown


def test_a_long_argument_hides_no_other() -> None:
    shown = plain_arguments(json.dumps({"text": "x" * 100_000, "path": "/etc/passwd"}).encode())
    assert '"path": "/etc/passwd"' in shown
    assert "(100002 characters)" in shown


def test_how_many_arguments_are_not_shown_is_said() -> None:
    many = {f"a{number}": number for number in range(100)}
    assert plain_arguments(json.dumps(many).encode()).endswith(f"... and {100 - MAX_ARGUMENTS} more}}")
    large = {f"a{number}": "x" * 500 for number in range(15)}
    assert "... and " in plain_arguments(json.dumps(large).encode())


@pytest.mark.parametrize(
    "raw", [b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"a":"' + b"x" * 1_000_000 + b'"}']
)
def test_what_nobody_could_read_is_not_even_tried(raw: bytes) -> None:
    assert len(plain_arguments(raw)) <= LONGEST
