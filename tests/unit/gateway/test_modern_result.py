"""What a result gets from us for 2026-07-28, and what it keeps."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.modern_result import stamped

VALUES = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text()))


@given(VALUES, st.sampled_from(["tools/call", "tools/list"]), st.sampled_from([None, 1]))
def test_result_keeps_everything_and_gets_a_type(value: dict[str, object], method: str, indent: int | None) -> None:
    result = json.loads(stamped(method, json.dumps(value, indent=indent).encode()))
    assert "resultType" in result
    assert {key: result[key] for key in value} == value


def test_type_of_the_server_stays() -> None:
    raw = b'{"resultType":"input_required","requestState":"s"}'
    assert stamped("tools/call", raw) == raw


def test_type_within_the_content_is_none() -> None:
    raw = b'{"content":[{"resultType":"x"}]}'
    assert json.loads(stamped("tools/call", raw))["resultType"] == "complete"


def test_only_complete_results_may_be_kept() -> None:
    assert json.loads(stamped("resources/read", b'{"contents":[]}')) == {
        "contents": [],
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
    }
    asking = b'{"resultType":"input_required"}'
    assert json.loads(stamped("resources/read", asking)) == {"resultType": "input_required"}
