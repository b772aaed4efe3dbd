"""Who holds a backend, and what each wants to hear."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.holder import LOG_LEVELS, ClientFacts, Question
from mcpool.backend.holders import Holders


@dataclass(frozen=True)
class Somebody:
    id: str
    client: ClientFacts = field(default_factory=ClientFacts)
    conversation: str = ""

    @property
    def party(self) -> str:
        return self.id

    def on_notification(self, server: str, method: str, params: bytes | None) -> None: ...

    async def on_question(self, question: Question) -> bytes:
        raise AssertionError(question)


ADA, BOB, EVE = Somebody("ada"), Somebody("bob"), Somebody("eve")


@pytest.fixture
def holders() -> Holders:
    made = Holders()
    for holder in (ADA, BOB, EVE):
        made.add(holder)
    return made


def test_they_are_known_in_the_order_in_which_they_came(holders: Holders) -> None:
    assert list(holders) == [ADA, BOB, EVE]
    assert (len(holders), holders.leases) == (3, 3)


def test_a_holder_goes_with_its_last_lease(holders: Holders) -> None:
    holders.add(ADA)
    assert not holders.remove(ADA)
    assert holders.remove(ADA)
    assert list(holders) == [BOB, EVE]
    assert holders.leases == 2


def test_its_wishes_go_with_it(holders: Holders) -> None:
    holders.set_level(ADA, "debug")
    holders.subscribe(ADA, "file:///a")
    holders.remove(ADA)
    assert holders.lowest_level is None
    assert holders.uris == ()


def test_the_lowest_level_satisfies_everybody(holders: Holders) -> None:
    assert holders.lowest_level is None
    holders.set_level(ADA, "error")
    holders.set_level(BOB, "info")
    assert holders.lowest_level == "info"
    holders.set_level(BOB, None)
    assert holders.lowest_level == "error"


@given(st.dictionaries(st.sampled_from([ADA, BOB, EVE]), st.sampled_from(LOG_LEVELS)), st.sampled_from(LOG_LEVELS))
def test_each_hears_its_own_level_and_above(wanted: dict[Somebody, str], level: str) -> None:
    made = Holders()
    for holder, lowest in wanted.items():
        made.add(holder)
        made.set_level(holder, lowest)
    rank = LOG_LEVELS.index
    assert made.wanting_level(level) == [holder for holder in wanted if rank(wanted[holder]) <= rank(level)]


def test_an_unknown_severity_is_heard_by_all_who_listen(holders: Holders) -> None:
    holders.set_level(ADA, "emergency")
    assert holders.wanting_level("catastrophe") == [ADA]


def test_an_unknown_level_cannot_be_wanted(holders: Holders) -> None:
    with pytest.raises(ValueError, match="chatty"):
        holders.set_level(ADA, "chatty")


def test_the_first_and_the_last_subscriber_are_told_apart(holders: Holders) -> None:
    assert holders.subscribe(ADA, "file:///a")
    assert not holders.subscribe(BOB, "file:///a")
    assert not holders.unsubscribe(ADA, "file:///a")
    assert holders.unsubscribe(BOB, "file:///a")


def test_who_never_subscribed_is_not_the_last(holders: Holders) -> None:
    holders.subscribe(ADA, "file:///a")
    assert not holders.unsubscribe(BOB, "file:///a")
    assert not holders.unsubscribe(Somebody("stranger"), "file:///a")
    assert holders.uris == ("file:///a",)


@pytest.mark.parametrize(
    ("wanted", "updated", "heard"),
    [
        ("file:///a", "file:///a", True),
        ("file:///a", "file:///a/b", True),
        ("file:///a/", "file:///a/b", True),
        ("file:///a", "file:///ab", False),
        ("file:///a/b", "file:///a", False),
    ],
)
def test_who_hears_of_an_update(holders: Holders, wanted: str, updated: str, heard: bool) -> None:
    holders.subscribe(ADA, wanted)
    assert holders.subscribed(updated) == ([ADA] if heard else [])
