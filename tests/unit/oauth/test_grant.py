"""Grants: when a token is good, what is left of a spent one, what is written of it."""

from __future__ import annotations

import pytest

from mcpool.config.server import Http
from mcpool.oauth.grant import RENEW_BEFORE, Grant, Place, grant_place, sendable, signed_in_as

GRANT = Grant(
    url="https://example.org/mcp",
    issuer="https://id.example.org",
    client={"client_id": "c", "client_secret": "s3cret"},
    access_token="acc3ss",
    refresh_token="r3fresh",
    expires_at=1000.0,
)


@pytest.mark.parametrize(
    ("now", "token"), [(0.0, "acc3ss"), (999.9 - RENEW_BEFORE, "acc3ss"), (1000.0 - RENEW_BEFORE, None), (2000.0, None)]
)
def test_a_token_is_used_until_half_a_minute_before_it_expires(now: float, token: str | None) -> None:
    assert GRANT.usable(now) == token


def test_a_token_without_an_expiry_is_used_until_it_is_refused() -> None:
    assert Grant(url="u", issuer="i", client={}, access_token="a").usable(1e12) == "a"


@pytest.mark.parametrize(("now", "token"), [(994.9, "acc3ss"), (995.0, None)])
def test_a_short_lived_token_is_used_for_half_its_life(now: float, token: str | None) -> None:
    """Or it would be renewed for each request."""
    grant = Grant(url="u", issuer="i", client={}, access_token="acc3ss", expires_at=1000.0, lifetime=10.0)
    assert grant.usable(now) == token


def test_a_spent_grant_keeps_the_registration_and_no_token() -> None:
    spent = GRANT.spent()
    assert (spent.access_token, spent.refresh_token, spent.client) == (None, None, GRANT.client)
    assert spent.state == "signed out"


def test_a_registration_that_the_issuer_does_not_know_is_no_more_used() -> None:
    assert GRANT.spent(registered=False).client == {}


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "t\u00f6ken", "a\x00"])
def test_what_cannot_stand_in_a_header_is_no_token(token: str) -> None:
    assert not sendable(token)
    assert sendable("eyJ-._~+/=")


def test_a_grant_shows_no_secret() -> None:
    assert not [secret for secret in ("acc3ss", "r3fresh", "s3cret") if secret in f"{GRANT!r} {GRANT}"]


@pytest.mark.parametrize("principal", ["", "local", "default"])
def test_the_owner_of_the_home_is_one_by_whatever_name(principal: str) -> None:
    assert signed_in_as(principal) == ""


def test_others_have_grants_of_their_own() -> None:
    http = Http("https://example.org/mcp", oauth_resource="https://example.org")
    place = Place("https://example.org/mcp", "laptop", "https://example.org", "box")
    assert grant_place(http, "laptop", "box") == place


def test_what_was_kept_before_there_were_environments_is_for_this_machine() -> None:
    place = Place("https://example.org/mcp", "laptop")
    assert place.key() == b'{"url":"https://example.org/mcp","principal":"laptop","resource":null}'


def test_the_same_url_elsewhere_is_another_place() -> None:
    keys = {Place("https://example.org/mcp", "", None, id).key() for id in ("local", "box", "other")}
    assert len(keys) == 3
