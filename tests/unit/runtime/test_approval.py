"""May a call run? One line of the table after another, and what holds for all of them."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.config.server import ApprovalMode
from mcpool.runtime.approval import (
    ApprovalPolicy,
    Authority,
    Rule,
    Verdict,
    combined,
    decide,
    is_rememberable,
    needs_approval,
    runs_unseen,
)
from mcpool.runtime.policy import Policy

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


READS = Annotations(read_only_hint=True)
WRITES = Annotations(destructive_hint=True)
MODES: tuple[ApprovalMode, ...] = get_args(ApprovalMode)
modes = st.sampled_from(MODES)
hints_ = st.sampled_from(HINTS)
authorities = st.builds(
    Authority,
    policy=st.sampled_from(get_args(ApprovalPolicy)),
    default_mode=modes,
    restriction=st.none() | modes,
)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("auto", None, "auto"),
        ("auto", "auto", "auto"),
        ("writes", "writes", "writes"),
        ("approve", "approve", "approve"),
        ("auto", "writes", "prompt"),
        ("auto", "approve", "auto"),
        ("writes", "approve", "writes"),
        ("prompt", "approve", "prompt"),
        ("prompt", "auto", "prompt"),
        ("prompt", "writes", "prompt"),
    ],
)
def test_of_two_modes_prompt_dominates_and_approve_yields(
    one: ApprovalMode, other: ApprovalMode | None, both: ApprovalMode
) -> None:
    assert combined(one, other) == both
    if other is not None:
        assert combined(other, one) == both


@given(modes, modes, hints_)
def test_two_modes_together_ask_whenever_one_of_them_does(
    one: ApprovalMode, other: ApprovalMode, hints: Annotations
) -> None:
    if needs_approval(one, hints) or needs_approval(other, hints):
        assert needs_approval(combined(one, other), hints)


@pytest.mark.parametrize(
    ("policy", "mode", "restriction", "hints", "remembered", "verdict"),
    [
        ("ask", "approve", None, WRITES, False, "approved"),
        ("ask", "auto", None, READS, False, "approved"),
        ("ask", "auto", None, WRITES, False, "ask"),
        ("ask", "auto", None, WRITES, True, "approved"),
        ("ask", "prompt", None, READS, False, "ask"),
        ("ask", "prompt", None, READS, True, "approved"),
        ("never", "prompt", None, READS, False, "denied"),
        ("never", "prompt", None, READS, True, "approved"),
        ("never", "auto", None, READS, False, "approved"),
        ("full-access", "prompt", None, WRITES, False, "approved"),
        # What a restriction wants asked stays asked, whoever else is content.
        ("ask", "approve", "writes", WRITES, False, "ask"),
        ("ask", "approve", "writes", WRITES, True, "ask"),
        ("ask", "approve", "writes", READS, False, "approved"),
        ("ask", "prompt", "writes", READS, True, "approved"),
        ("ask", "auto", "writes", READS, False, "ask"),
        ("ask", "auto", "writes", READS, True, "approved"),
        ("full-access", "approve", "writes", WRITES, False, "ask"),
        ("full-access", "prompt", "writes", READS, False, "approved"),
        ("never", "approve", "prompt", READS, True, "denied"),
        ("full-access", "approve", "approve", WRITES, False, "approved"),
    ],
)
def test_what_becomes_of_a_call(
    policy: ApprovalPolicy,
    mode: ApprovalMode,
    restriction: ApprovalMode | None,
    hints: Annotations,
    remembered: bool,
    verdict: Verdict,
) -> None:
    assert decide(Authority(policy, restriction=restriction), mode, hints, remembered=remembered) == verdict


@given(authorities, modes, hints_, st.booleans())
def test_who_never_asks_is_never_asked_and_who_has_full_access_is_never_denied(
    authority: Authority, mode: ApprovalMode, hints: Annotations, remembered: bool
) -> None:
    verdict = decide(authority, mode, hints, remembered=remembered)
    assert verdict != {"never": "ask", "full-access": "denied", "ask": "denied"}[authority.policy]


@given(authorities, modes, hints_, st.booleans())
def test_a_restriction_only_ever_restricts(
    authority: Authority, mode: ApprovalMode, hints: Annotations, remembered: bool
) -> None:
    free = Authority(authority.policy, authority.default_mode)
    if decide(authority, mode, hints, remembered=remembered) == "approved":
        assert decide(free, mode, hints, remembered=remembered) == "approved"


@given(authorities, modes, hints_)
def test_a_remembered_approval_never_takes_away_and_counts_only_where_it_may_be_given(
    authority: Authority, mode: ApprovalMode, hints: Annotations
) -> None:
    without, with_it = (decide(authority, mode, hints, remembered=remembered) for remembered in (False, True))
    assert without == "approved" or with_it == ("approved" if is_rememberable(authority, hints) else without)


@given(authorities, st.builds(Rule, mode=st.none() | modes, definition=st.none() | st.just("d")), hints_)
def test_what_runs_unseen_would_be_approved_whatever_is_seen(
    authority: Authority, rule: Rule, hints: Annotations
) -> None:
    if runs_unseen(authority, rule):
        mode = rule.mode_for(ToolDefinition("t", b"{}", hints), authority.default_mode)
        assert decide(authority, mode, hints, remembered=False) == "approved"


@pytest.mark.parametrize("default", MODES)
def test_an_approval_of_another_definition_is_a_reason_to_ask(default: ApprovalMode) -> None:
    tool = ToolDefinition("t", b'{"name":"t","description":"now deletes"}', READS)
    before = ToolDefinition("t", b'{"name":"t","description":"reads"}', READS)
    assert Rule("approve", tool.digest).mode_for(tool, default) == "approve"
    assert Rule("approve", before.digest).mode_for(tool, default) == "prompt"
    assert Rule("approve").mode_for(tool, default) == "approve"
    assert Rule().mode_for(tool, default) == default
    assert not runs_unseen(Authority(default_mode="approve"), Rule("approve", tool.digest))


@pytest.mark.parametrize(
    ("own", "more", "both"),
    [(None, None, None), ("auto", None, "auto"), (None, "writes", "writes"), ("auto", "writes", "prompt")],
)
def test_restrictions_add_up(own: ApprovalMode | None, more: ApprovalMode | None, both: ApprovalMode | None) -> None:
    policy = Policy(Authority("never", "approve", own))
    assert policy.restricted(more).authority == Authority("never", "approve", both)


@pytest.mark.parametrize("given", [{"policy": "full_access"}, {"default_mode": "none"}, {"restriction": "never"}])
def test_an_authority_that_is_none_is_refused_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        Authority(**given)
