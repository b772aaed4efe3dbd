"""What was looked at is what is sent."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mcpool.wire.params import join, split, value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
spaces = st.text(" \t\r\n", max_size=3)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    """A legal object with whitespace anywhere and keys that come twice, and what it means."""
    members = draw(st.lists(st.tuples(st.sampled_from(["name", "arguments", "é", "a\nb"]), json_values), max_size=5))
    ensure_ascii = draw(st.booleans())
    indent = draw(st.sampled_from([None, 1, "\t"]))
    text = ",".join(
        draw(spaces)
        + json.dumps(key, ensure_ascii=ensure_ascii)
        + draw(spaces)
        + ":"
        + draw(spaces)
        + json.dumps(part, ensure_ascii=ensure_ascii, indent=indent)
        + draw(spaces)
        for key, part in members
    )
    return f"{draw(spaces)}{{{text}}}{draw(spaces)}".encode(), dict(members)


@given(bodies())
def test_what_is_joined_means_what_was_split_and_is_one_line(body: tuple[bytes, dict[str, Any]]) -> None:
    raw, meaning = body

    sent = join(split(raw))

    assert json.loads(sent) == meaning
    assert b"\n" not in sent
    assert b"\r" not in sent
    assert [key for key, _ in json.loads(sent, object_pairs_hook=list)] == list(meaning)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{} {}", id="two objects"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":"\n"}', id="a line break in a string"),
        pytest.param(rb'{"a":"\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"a":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"\xff":1}', id="a key that is no UTF-8"),
        pytest.param(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", id="too deep"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_valid_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(raw)


def test_bytes_that_are_more_than_one_value_cannot_be_smuggled_in() -> None:
    with pytest.raises(ValueError, match="JSON"):
        join({"arguments": b'{}, "name":"other"'})


@pytest.mark.parametrize("raw", [b"1 2", b"", b'"\xff"', b"[" * 5000 + b"]" * 5000])
def test_what_is_no_single_value_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        value(raw)


def test_raw_and_proven_bytes_may_be_mixed() -> None:
    assert join({"a": Raw(b"1"), "b": b"[ 2 ]"}) == b'{"a":1,"b":[ 2 ]}'


def test_any_mapping_can_be_joined() -> None:
    assert join(MappingProxyType({"a": Raw(b"1")})) == b'{"a":1}'
