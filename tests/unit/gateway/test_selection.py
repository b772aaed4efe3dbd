"""What of the servers a client wants to be offered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.selection import Selection, parse

NAMES = st.text("abcXYZ019_-", min_size=1, max_size=8)
SELECTIONS = st.one_of(
    st.builds(Selection, st.none(), st.none(), st.booleans()),
    st.builds(Selection, NAMES, st.none(), st.booleans()),
    st.builds(Selection, st.none(), st.sets(NAMES, min_size=1).map(lambda names: tuple(sorted(names))), st.booleans()),
)


@given(SELECTIONS)
def test_a_selection_is_the_same_after_a_journey_as_text(selection: Selection):
    assert parse(selection.text) == selection


@pytest.mark.parametrize(
    ("text", "only"), [(None, None), ("git", ("git",)), ("?servers=b,a", ("a", "b")), ("?tools=search", None)]
)
def test_it_is_limited_to_what_it_names(text: str | None, only: tuple[str, ...] | None):
    assert parse(text).only == only


@given(st.text())
def test_no_text_breaks_it(text: str):
    try:
        selection = parse(text)
    except ValueError:
        return
    assert parse(selection.text) == selection
