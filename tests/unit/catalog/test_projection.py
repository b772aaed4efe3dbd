"""What contributions resolve to, and when that is the same as before (U1-U6)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.catalog.connector import Connector
from mcpool.catalog.contribution import Contribution, Owner, Source
from mcpool.catalog.projection import Bound, Verdict, resolve
from mcpool.config.server import ServerConfig, Stdio

USER = Owner(Source.USER)
SOURCES = list(Source)


def server(name: str = "git", command: str = "git-server", **settings: Any) -> ServerConfig:
    return ServerConfig(name, Stdio(command), **settings)


def by(source: Source, command: str = "", *, owner: str = "", name: str = "git", **settings: Any) -> Contribution:
    return Contribution(Owner(source, owner), server(name, command or f"{source.name}{owner}", **settings))


def verdict(*contributions: Contribution) -> Verdict:
    (only,) = resolve(contributions).verdicts
    return only


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(SOURCES)))
@pytest.mark.parametrize("turned", [False, True])
def test_the_higher_source_wins_whoever_came_first(lower: Source, higher: Source, turned: bool) -> None:
    claims = [by(lower), by(higher)]
    found = verdict(*(reversed(claims) if turned else claims))
    assert (found.winner, found.losers) == (claims[1], (claims[0],))


@pytest.mark.parametrize("source", [Source.PLUGIN, Source.SELECTED_PLUGIN])
def test_of_plugins_the_first_wins(source: Source) -> None:
    assert verdict(by(source, owner="a"), by(source, owner="b")).winner.owner.name == "a"


def test_of_extensions_the_last_wins() -> None:
    assert verdict(by(Source.EXTENSION, owner="a"), by(Source.EXTENSION, owner="b")).winner.owner.name == "b"


def test_a_disabled_winner_is_a_veto() -> None:
    claims = [by(Source.PLUGIN), by(Source.USER, enabled=False)]
    resolution = resolve(claims)
    assert resolution.projection.winners == ()
    assert resolution.verdicts[0].off == "it is disabled by user"


def test_a_disabled_server_of_a_selected_plugin_vetoes_nobody() -> None:
    claims = [by(Source.PLUGIN), by(Source.SELECTED_PLUGIN, enabled=False)]
    assert [winner.owner.source for winner in resolve(claims).projection.winners] == [Source.PLUGIN]


def test_what_the_administrator_refuses_is_off_and_says_why() -> None:
    resolution = resolve([by(Source.USER)], refusal=lambda contribution: "not allowed here")
    assert resolution.projection.servers == ()
    assert resolution.verdicts[0].off == "not allowed here"


def test_two_meanings_of_one_name_in_one_source_are_a_conflict() -> None:
    assert verdict(by(Source.PLUGIN, owner="a"), by(Source.PLUGIN, owner="b")).conflicts != ()
    assert verdict(by(Source.PLUGIN, "same", owner="a"), by(Source.PLUGIN, "same", owner="b")).conflicts == ()
    assert verdict(by(Source.PLUGIN), by(Source.USER)).conflicts == ()


def test_a_server_of_an_environment_is_there_with_it_and_says_why_not() -> None:
    claims = [by(Source.USER, environment_id="box")]
    absent, there = resolve(claims), resolve(claims, environments={"box": 3})
    assert (absent.projection.servers, absent.verdicts[0].off) == ((), "its environment `box` is not available")
    assert [s.name for s in there.projection.servers] == ["git"]
    assert there.projection.winners[0].bound == Bound("box", 3)


def test_an_environment_that_no_server_is_bound_to_changes_nothing() -> None:
    """U5, U6: `[] -> [skills-env]` with `{global} -> {global}`."""
    claims = [Contribution(USER, server("global"))]
    assert resolve(claims).projection == resolve(claims, environments={"skills-env": 1}).projection


def test_the_availability_of_the_environment_of_an_enabled_server_is_a_change() -> None:
    """U4."""
    claims = [by(Source.USER, environment_id="box")]
    states: list[dict[str, int]] = [{}, {"box": 1}, {"box": 2}]
    assert len({resolve(claims, environments=state).projection for state in states}) == 3


def test_the_availability_of_the_environment_of_a_disabled_server_is_none() -> None:
    """U4."""
    claims = [by(Source.USER, environment_id="box", enabled=False)]
    assert resolve(claims).projection == resolve(claims, environments={"box": 1}).projection


def test_another_owner_of_the_same_server_is_a_change() -> None:
    """U2."""
    mine = Contribution(USER, server())
    theirs = Contribution(Owner(Source.PLUGIN, "kit"), server())
    assert resolve([mine]).projection != resolve([theirs]).projection


def test_other_connectors_are_a_change_and_their_order_is_none() -> None:
    """U3."""
    mail, chat = Connector("mail", "kit"), Connector("chat", "kit")
    assert resolve([], connectors=[mail, chat]).projection == resolve([], connectors=[chat, mail, mail]).projection
    assert resolve([], connectors=[mail]).projection != resolve([], connectors=[mail, chat]).projection


def test_servers_stand_in_the_order_in_which_they_were_first_contributed() -> None:
    claims = [by(Source.USER, name="b"), by(Source.USER, name="a"), by(Source.SESSION, name="b")]
    assert [s.name for s in resolve(claims).projection.servers] == ["b", "a"]


_claims = st.lists(
    st.builds(
        by,
        st.sampled_from(SOURCES),
        st.sampled_from(["", "x", "y"]),
        owner=st.sampled_from(["", "p", "q"]),
        name=st.sampled_from(["git", "db"]),
        enabled=st.booleans(),
        environment_id=st.sampled_from(["local", "box"]),
    ),
    max_size=8,
)


@given(_claims, st.booleans())
def test_every_name_has_one_verdict_and_no_more_than_one_winner(claims: list[Contribution], box: bool) -> None:
    resolution = resolve(claims, environments={"box": 1} if box else {})
    names = [found.name for found in resolution.verdicts]
    assert sorted(names) == sorted({claim.server.name for claim in claims})
    assert [s.name for s in resolution.projection.servers] == [v.name for v in resolution.verdicts if v.off is None]
    assert sum(1 + len(found.losers) for found in resolution.verdicts) == len(claims)


@given(_claims)
def test_equal_contributions_give_equal_projections(claims: list[Contribution]) -> None:
    again = [Contribution(claim.owner, replace(claim.server, file="elsewhere", line=7)) for claim in claims]
    assert resolve(claims).projection == resolve(again).projection
