"""Text that is almost JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.wire.envelope import decode, is_utf8
from mcpool.wire.mend import mend

any_text = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["NaN", "\ud800", "\udc00\ud800", "😀", "\\", '"', "\\ud800", "\x00", "\ufeff", "-Infinity"]
)
python_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=10,
)


@given(python_values, st.booleans())
def test_whatever_python_writes_becomes_valid(result: Any, ensure_ascii: bool) -> None:
    text = json.dumps({"id": 1, "result": result}, ensure_ascii=ensure_ascii)
    line = text.encode("utf-8", "surrogatepass")

    mended = mend(line)

    assert decode(mended).id == 1
    assert is_utf8(mended)


@given(python_values.filter(lambda value: "\ufeff" not in repr(value)))
def test_what_is_valid_stays_as_it_is(result: Any) -> None:
    try:
        line = json.dumps({"id": 1, "result": result}, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return

    assert mend(line) == line


@pytest.mark.timeout(20)
def test_long_broken_text_does_not_take_quadratic_time() -> None:
    for unit in (b'"', b"\\", b'\\"', b'"\\u', b"NaN", b'{"a":"'):
        mend(b"{" + unit * (1_000_000 // len(unit)))
