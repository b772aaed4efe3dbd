"""Tool names: unique, valid, short enough, and stable."""

from __future__ import annotations

import hashlib
import json
import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcpool.catalog.toolnames import PROFILE_64, PROFILE_128, NameProfile, ToolKey, allocate, prefixed

VALID = re.compile(r"[A-Za-z0-9_-]+")
NAMES = st.text(st.sampled_from("aB_-./é "), max_size=5) | st.text(max_size=100)
KEYS = st.builds(ToolKey, NAMES, NAMES)
KEY_LISTS = st.lists(KEYS, max_size=12)
PROFILES = st.sampled_from([PROFILE_64, PROFILE_128, NameProfile(77)])


def suffix(key: ToolKey, digits: int = 12) -> str:
    return "_" + hashlib.sha256(json.dumps(list(key)).encode()).hexdigest()[:digits]


def test_an_ordinary_tool_is_named_by_server_and_tool():
    key = ToolKey("git", "git_log")
    assert allocate([key]) == {key: "mcp__git__git_log"}
    assert prefixed([key]) == {key: "git__git_log"}


def test_invalid_characters_become_underscores_and_hyphens_stay():
    key = ToolKey("my-server", "read/file é")
    assert allocate([key])[key] == "mcp__my-server__read_file__"


def test_tools_that_collide_after_sanitising_all_get_a_hash():
    dot, slash = ToolKey("s", "a.b"), ToolKey("s", "a/b")
    assert allocate([dot, slash]) == {dot: "mcp__s__a_b" + suffix(dot), slash: "mcp__s__a_b" + suffix(slash)}


def test_servers_whose_names_run_into_their_tools_do_not_collide():
    names = allocate([ToolKey("a__b", "c"), ToolKey("a", "b__c")])
    assert len(set(names.values())) == 2


def test_a_tool_that_takes_anothers_hashed_name_gains_nothing():
    dot, slash = ToolKey("s", "a.b"), ToolKey("s", "a/b")
    impostor = ToolKey("s", "a_b" + suffix(dot))
    names = allocate([dot, slash, impostor])
    assert len(set(names.values())) == 3
    assert names[impostor] != "mcp__s__a_b" + suffix(dot)
    assert names[dot] == "mcp__s__a_b" + suffix(dot, 24)


@pytest.mark.parametrize(("profile", "limit"), [(PROFILE_64, 64), (PROFILE_128, 128)])
def test_a_name_is_cut_only_beyond_the_limit(profile: NameProfile, limit: int):
    fits = ToolKey("s", "x" * (limit - len("mcp__s__")))
    over = ToolKey("s", fits.tool + "x")
    assert allocate([fits], profile)[fits] == "mcp__s__" + fits.tool
    assert allocate([over], profile)[over] == ("mcp__s__" + over.tool)[: limit - 13] + suffix(over)


def test_an_exact_duplicate_is_one_tool():
    key = ToolKey("s", "t")
    assert allocate([key, key]) == {key: "mcp__s__t"}


def test_a_limit_that_cannot_keep_names_unique_is_refused():
    with pytest.raises(ValueError, match="63 is too low"):
        NameProfile(63)


@given(KEY_LISTS, PROFILES)
def test_names_are_unique_valid_and_within_the_limit(keys: list[ToolKey], profile: NameProfile):
    for names in (allocate(keys, profile), prefixed(keys, profile)):
        assert names.keys() == set(keys)
        assert len(set(names.values())) == len(names)
        assert all(VALID.fullmatch(name) and len(name) <= profile.limit for name in names.values())


@given(KEY_LISTS, st.randoms(use_true_random=False))
def test_names_do_not_depend_on_the_order_of_tools(keys: list[ToolKey], shuffle: random.Random):
    shuffled = list(keys)
    shuffle.shuffle(shuffled)
    assert list(allocate(shuffled).items()) == list(allocate(keys).items())


@given(KEY_LISTS, KEYS)
def test_a_tool_that_collides_with_none_changes_no_other_name(keys: list[ToolKey], another: ToolKey):
    alone = allocate([another])[another]
    before = allocate(keys)
    everybody_alone = {allocate([key])[key] for key in keys if key != another}
    assume(alone not in everybody_alone and alone not in before.values())
    after = allocate([*keys, another])
    assert {key: after[key] for key in before} == before
