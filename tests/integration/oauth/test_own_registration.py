"""A client that was registered with the issuer beforehand, with a secret."""

from __future__ import annotations

import asyncio

import pytest

from integration.oauth.conftest import person
from mcpool.config.server import Http
from mcpool.errors import ServerUnavailable
from mcpool.oauth.interactive import sign_in
from support.oauth_server import Issuer, register
from support.ways import HERE

REDIRECT = "http://127.0.0.1:8378/callback"


async def test_the_configured_secret_lets_the_client_in(url: str, issuer: Issuer) -> None:
    register(issuer, "ours", "s3cret/ü", REDIRECT)
    http = Http(url, oauth_client_id="ours", oauth_client_secret="s3cret/ü")
    grant = await sign_in("web", http, None, person(), HERE)
    assert (grant.client["client_id"], issuer.sign_ins) == ("ours", 1)


async def test_a_wrong_secret_is_told_without_it(url: str, issuer: Issuer) -> None:
    register(issuer, "ours", "s3cret", REDIRECT)
    http = Http(url, oauth_client_id="ours", oauth_client_secret="wr0ng")
    with pytest.raises(ServerUnavailable, match="did not give a token") as refused:
        await asyncio.wait_for(sign_in("web", http, None, person(), HERE), 30)
    assert "wr0ng" not in str(refused.value)
