"""What is kept of a thread for a host to come (Scenario S1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpool.backend.holder import ClientFacts
from mcpool.plugins.root import CapabilityRoot
from mcpool.threads.facts import ThreadFacts
from mcpool.threads.kept import keep, read

ROOT = CapabilityRoot("kit@1", "/srv/kit", "box")
FACTS = ThreadFacts(
    id="t1",
    root="t1#1",
    conversation="t1#1",
    parent=None,
    cwd="/srv",
    principal="ann",
    client=ClientFacts(),
    only=frozenset({"b", "a"}),
    roots=(ROOT,),
)
WORLD: Any = {"tools": {"git": {"tools": 3, "lost": 1}}}


def test_it_comes_back_from_json_as_it_was() -> None:
    kept = read(json.loads(json.dumps(keep(FACTS, WORLD, {"git"}))))
    assert (kept.id, kept.cwd, kept.principal, kept.only) == ("t1", "/srv", "ann", ("a", "b"))
    assert (kept.capability_roots, kept.world, kept.ran) == ((ROOT,), WORLD, ("git",))


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert read(keep(FACTS, WORLD, ()) | {"more": 1}).id == "t1"


def test_of_processes_that_belong_to_somebody_else_none_is_lost() -> None:
    assert read(keep(FACTS, WORLD, {"git"}), processes_live=True).ran == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"world": []},
        {"world": {"tools": ["git"]}},
        {"world": {"tools": {1: {}, "git": {}}}},
        {"capability_roots": [{"id": "", "path": "/x"}]},
        {"capability_roots": [{"id": "a", "path": "relative"}]},
        {"only": "a"},
        {"version": "1"},
    ],
    ids=str,
)
def test_what_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nothing that"):
        read(keep(FACTS, WORLD, ()) | wrong)


@pytest.mark.parametrize("value", [None, [], "kept", {}])
def test_what_is_nothing_of_the_kind_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="nothing that"):
        read(value)


def test_what_another_version_kept_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="format 2\\); open a new thread"):
        read(keep(FACTS, WORLD, ()) | {"version": 2})
