"""Must somebody approve a call? One line of the table after another."""

from __future__ import annotations

import itertools

import pytest

from mcpool.backend.tools import Annotations
from mcpool.runtime.approval import needs_approval

HINTS = [
    Annotations(read_only_hint=read_only, destructive_hint=destructive, open_world_hint=open_world)
    for read_only, destructive, open_world in itertools.product((None, True, False), repeat=3)
]


@pytest.mark.parametrize("hints", HINTS)
def test_approve_never_asks(hints: Annotations) -> None:
    assert not needs_approval("approve", hints)


@pytest.mark.parametrize("hints", HINTS)
def test_prompt_always_asks(hints: Annotations) -> None:
    assert needs_approval("prompt", hints)


@pytest.mark.parametrize("hints", HINTS)
def test_writes_asks_unless_the_tool_says_that_it_only_reads(hints: Annotations) -> None:
    assert needs_approval("writes", hints) is (hints.read_only_hint is not True)


@pytest.mark.parametrize(
    ("read_only", "destructive", "open_world", "asks"),
    [
        (None, None, None, True),
        (None, True, None, True),
        (True, True, False, True),
        (True, None, None, False),
        (True, False, True, False),
        (False, False, False, False),
        (False, False, True, True),
        (None, False, None, True),
        (None, False, False, False),
        (None, None, False, True),
    ],
)
def test_auto_asks_for_what_may_destroy_or_reach_out(
    read_only: bool | None, destructive: bool | None, open_world: bool | None, asks: bool
) -> None:
    hints = Annotations(read_only_hint=read_only, destructive_hint=destructive, open_world_hint=open_world)
    assert needs_approval("auto", hints) is asks
