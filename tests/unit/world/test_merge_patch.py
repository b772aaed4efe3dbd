"""JSON merge patches (RFC 7386)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.world.merge_patch import applied, difference
from mcpool.world.section import Json

_LEAVES = st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from([0.5, 1.0]), st.text("ab", max_size=2))
_VALUES: st.SearchStrategy[Json] = st.recursive(
    _LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xyz"), inner))
)
_OBJECTS = st.dictionaries(st.sampled_from("xyz"), _VALUES)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(target: Json, patch: Json, result: Json) -> None:
    assert applied(target, patch) == result


@given(_OBJECTS, _OBJECTS)
def test_the_difference_makes_the_one_of_the_other(before: dict[str, Json], after: dict[str, Json]) -> None:
    result = applied(before, difference(before, after))
    assert repr(_sorted(result)) == repr(_sorted(after))  # repr, because 1 == True


@given(_OBJECTS)
def test_equal_values_have_no_difference(value: dict[str, Json]) -> None:
    assert difference(value, value) == {}


def test_a_null_cannot_be_brought_about() -> None:
    with pytest.raises(ValueError, match="'a' is null"):
        difference({}, {"a": None})


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
