"""Where keys stand in TOML and JSON."""

from __future__ import annotations

import json
import tomllib
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.config.document import without_comments
from mcpool.config.locate_json import locate_json
from mcpool.config.locate_toml import locate_toml
from mcpool.config.problem import KeyPath, dotted

TOML = '''\
# a comment with [brackets] = "and" 'quotes'
top = 1 # = ]
[mcp_servers.plain]
command = "a # b"
args = [
  "one", # first
  """two
  lines""", 'it''s',
  [1, 2], { deep = [ "x",
    "y" ] },
]
env.INNER.dotted = "v"
"quoted key" = 1
'literal.key' = 2
"\\u0041" = 3
text = \'\'\'
[not.a.header]
key = 1
\'\'\'
after = 2026-01-01T00:00:00Z
[ mcp_servers . "a.b" ]
inline = { x = 1, "y z" = { q = "}" } }
[[list]]
one = 1
[[list]]
two = 2
[list.inside]
three = 3
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("mcp_servers",), 3),
        (("mcp_servers", "plain", "command"), 4),
        (("mcp_servers", "plain", "args"), 5),
        (("mcp_servers", "plain", "args", 0), 6),
        (("mcp_servers", "plain", "args", 1), 7),
        (("mcp_servers", "plain", "args", 2), 8),
        (("mcp_servers", "plain", "args", 3, 1), 9),
        (("mcp_servers", "plain", "args", 4, "deep", 1), 10),
        (("mcp_servers", "plain", "env"), 12),
        (("mcp_servers", "plain", "env", "INNER", "dotted"), 12),
        (("mcp_servers", "plain", "quoted key"), 13),
        (("mcp_servers", "plain", "literal.key"), 14),
        (("mcp_servers", "plain", "A"), 15),
        (("mcp_servers", "plain", "text"), 16),
        (("mcp_servers", "plain", "after"), 20),
        (("mcp_servers", "a.b"), 21),
        (("mcp_servers", "a.b", "inline", "x"), 22),
        (("mcp_servers", "a.b", "inline", "y z", "q"), 22),
        (("list", 0, "one"), 24),
        (("list", 1), 25),
        (("list", 1, "two"), 26),
        (("list", 1, "inside", "three"), 28),
    ],
)
def test_a_toml_key_is_found_on_its_line(path: KeyPath, line: int) -> None:
    assert locate_toml(TOML)[path] == line


def test_a_header_inside_a_text_is_not_a_header() -> None:
    assert ("not",) not in locate_toml(TOML)


def test_the_sample_has_no_key_that_was_not_found() -> None:
    assert paths_of(tomllib.loads(TOML)) == set(locate_toml(TOML))


@given(st.text())
def test_locating_never_raises_whatever_the_text(text: str) -> None:
    locate_toml(text)
    locate_json(text)
    without_comments(text)


@given(st.text(alphabet="[]{}=.,\"'#ab\n\\ 1"))
def test_every_key_of_valid_toml_is_located(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except ValueError:
        return

    assert paths_of(data) <= set(locate_toml(text))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON_VALUES), st.sampled_from([None, 1, "\t"]))
def test_every_key_of_json_is_located(data: dict[str, Any], indent: int | str | None) -> None:
    places = locate_json(json.dumps(data, indent=indent))

    assert set(places.lines) == paths_of(data)
    assert not places.repeated


def test_a_json_key_is_found_on_its_line() -> None:
    lines = locate_json('{\n "a": {\n  "b\\n": [1,\n   {"c": 2}]\n },\n "d": 3}').lines

    assert lines == {
        ("a",): 2,
        ("a", "b\n"): 3,
        ("a", "b\n", 0): 3,
        ("a", "b\n", 1): 4,
        ("a", "b\n", 1, "c"): 4,
        ("d",): 6,
    }


def test_a_key_that_is_written_twice_is_told_and_stands_where_it_counts() -> None:
    places = locate_json('{"a": {"x": 1},\n "a": {\n "x": 2}}')

    assert places.repeated == [("a",)]
    assert places.lines == {("a",): 2, ("a", "x"): 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, // c\n"b": 2}', {"a": 1, "b": 2}),
        ('{"a": /* x\n */ 1,}', {"a": 1}),
        ('{"a": [1, 2, /* , */ ], }', {"a": [1, 2]}),
        ('{"u": "https://h/*x*/,}"}', {"u": "https://h/*x*/,}"}),
        ('{"q": "\\"// no comment"}', {"q": '"// no comment'}),
    ],
)
def test_comments_and_trailing_commas_go_and_texts_stay(text: str, expected: object) -> None:
    plain = without_comments(text)

    assert json.loads(plain) == expected
    assert plain.count("\n") == text.count("\n")


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_json_without_comments_is_not_changed(data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False)

    assert json.loads(without_comments(text)) == json.loads(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b-c", 2, "d"), "a.b-c[2].d"),
        (("a b", 'q"q'), '"a b"."q\\"q"'),
        (("",), '""'),
        ((), ""),
    ],
)
def test_a_path_is_written_as_a_toml_user_writes_it(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    found: set[KeyPath] = {path} if path else set()
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            found |= paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            found |= paths_of(item, (*path, index))
    return found
