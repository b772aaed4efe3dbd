"""What an issuer, or whoever answers in its place, may say to a renewal, and what becomes of the sign-in."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import parse_qs

import msgspec
import pytest

from mcpool.oauth import asking, renewal, revocation
from mcpool.oauth.grant import Grant
from mcpool.oauth.renewal import NotNow, renewed
from mcpool.oauth.revocation import NotRevoked, revoke
from mcpool.oauth.way import from_here
from support.raw_http import Asked, Handler, raw_server
from support.ways import HERE

TOKENS = {"access_token": "acc3ss", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "n3xt"}
SECRETS = ("acc3ss", "r3fresh", "n3xt", "s3cret", "0ld")


def grant(issuer: str, url: str | None = None) -> Grant:
    """What a sign-in at `issuer` has left."""
    return Grant(
        url=url or issuer,
        issuer=issuer,
        client={"client_id": "c", "redirect_uris": ["http://127.0.0.1/callback"], "client_secret": "s3cret"},
        server={
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "revocation_endpoint": f"{issuer}/revoke",
        },
        access_token="0ld",
        refresh_token="r3fresh",
    )


def answers(status: int, body: bytes | object, **headers: str) -> AbstractAsyncContextManager[str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def handler(asked: Asked) -> None:
        await asked.reply(status, data, extra=tuple(headers.items()))

    return raw_server(handler)


async def after(issuer: AbstractAsyncContextManager[str]) -> Grant:
    async with issuer as url:
        return await renewed(grant(url), None, HERE)


async def refused(issuer: AbstractAsyncContextManager[str]) -> str:
    """Why it is not known whether it renews; no secret is in that."""
    with pytest.raises(NotNow) as told:
        await after(issuer)
    assert [secret for secret in SECRETS if secret in str(told.value)] == []
    return str(told.value)


async def test_new_tokens_take_the_place_of_the_old() -> None:
    now = await after(answers(200, TOKENS))
    assert (now.access_token, now.refresh_token) == ("acc3ss", "n3xt")
    assert now.usable(time.time()) == "acc3ss"


async def test_an_issuer_that_does_not_rotate_leaves_the_refresh_token() -> None:
    assert (await after(answers(200, {"access_token": "acc3ss"}))).refresh_token == "r3fresh"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_grant"), (401, "invalid_client"), (400, "invalid_scope"), (200, "bad_refresh_token")],
)
async def test_only_an_error_of_the_protocol_spends_the_refresh_token(status: int, code: str) -> None:
    assert (await after(answers(status, {"error": code, "error_description": "r3fresh"}))).refresh_token is None


@pytest.mark.parametrize(
    ("code", "registered"), [("invalid_grant", True), ("invalid_client", False), ("unauthorized_client", False)]
)
async def test_a_client_that_the_issuer_does_not_know_is_registered_anew_the_next_time(
    code: str, registered: bool
) -> None:
    assert bool((await after(answers(400, {"error": code}))).client) == registered


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": "invalid_grant"}),
        (404, b""),
        (405, b""),
        (408, b""),
        (429, {"error": "invalid_grant"}),
        (400, b"<html>Bad Gateway</html>"),
        (400, {"message": "no"}),
        (400, {"error": {"code": 7}}),
        (400, {"error": ""}),
        (400, {"error": "temporarily_unavailable"}),
        (400, {"error": "slow_down"}),
        (401, b""),
        (302, b""),
        (500, {"error": "invalid_grant"}),
        (502, b""),
        (503, {"error": "temporarily_unavailable"}),
    ],
)
async def test_anything_else_may_be_otherwise_another_time(status: int, body: object) -> None:
    assert f"answered HTTP {status}" in await refused(answers(status, body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        {"access_token": 7},
        {"access_token": ""},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "t\u00f6ken"},
        b'{"access_token": "acc3ss", "expires_in": 1' + b"0" * 400 + b"}",
    ],
)
async def test_garbage_is_no_token_and_signs_nobody_out(body: object) -> None:
    assert "answered HTTP 200" in await refused(answers(200, body))


@pytest.mark.parametrize("lifetime", [0, -5, None])
async def test_a_token_of_no_lifetime_is_used_until_it_is_refused(lifetime: int | None) -> None:
    """Or it would be renewed for each request."""
    now = await after(answers(200, {**TOKENS, "expires_in": lifetime}))
    assert now.usable(time.time() + 1e6) == "acc3ss"


async def test_a_lifetime_beyond_all_measure_is_cut() -> None:
    now = await after(answers(200, {**TOKENS, "expires_in": 10**18}))
    assert now.expires_at is not None
    time.localtime(now.expires_at)


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 100)
    assert "larger than 100 bytes" in await refused(answers(200, {**TOKENS, "more": "x" * 100}))


async def test_an_answer_that_could_grow_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps(TOKENS).encode())
    assert "compressed" in await refused(answers(200, packed, **{"Content-Encoding": "gzip"}))


def silent(drip: bytes = b"") -> Handler:
    async def handler(asked: Asked) -> None:
        asked.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            asked.writer.write(drip)
            await asked.writer.drain()
            await asyncio.sleep(0.005)

    return handler


@pytest.mark.parametrize("drip", [b"", b" "])
async def test_an_issuer_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch, drip: bytes) -> None:
    monkeypatch.setattr(renewal, "DEADLINE", 0.1)
    assert "did not answer within 0.1 s" in await refused(raw_server(silent(drip)))


async def test_an_issuer_that_is_not_there_signs_nobody_out() -> None:
    async with answers(200, TOKENS) as url:
        pass
    with pytest.raises(NotNow, match="could not be reached"):
        await renewed(grant(url), None, HERE)


async def test_tokens_of_a_server_on_https_are_sent_to_no_address_without_it() -> None:
    with pytest.raises(NotNow, match="its address is not https"):
        await renewed(grant("http://issuer.example", "https://example.org/mcp"), None, HERE)


async def test_the_proxy_of_the_issuer_is_used() -> None:
    seen: list[str] = []

    async def handler(asked: Asked) -> None:
        seen.append(asked.headers["host"])
        await asked.reply(200, json.dumps(TOKENS).encode())

    async with raw_server(handler) as proxy:
        new = await renewed(grant("http://issuer.example"), None, from_here(lambda url: proxy))
    assert new.access_token == "acc3ss"
    assert seen == ["issuer.example"]


Form = dict[str, list[str]]


class TestRevocation:
    """RFC 7009."""

    async def asked(self, status: Callable[[Form], int], **changes: object) -> list[Form]:
        forms: list[Form] = []

        async def handler(asked: Asked) -> None:
            forms.append(parse_qs(asked.body.decode()))
            await asked.reply(status(forms[-1]), b"")

        async with raw_server(handler) as url:
            await revoke(msgspec.structs.replace(grant(url), **changes), HERE)
        return forms

    async def test_the_refresh_token_goes_first_and_then_the_access_token(self) -> None:
        assert await self.asked(lambda form: 200) == [
            {"token": ["r3fresh"], "token_type_hint": ["refresh_token"], "client_id": ["c"]},
            {"token": ["0ld"], "token_type_hint": ["access_token"], "client_id": ["c"]},
        ]

    async def test_a_client_with_a_secret_says_who_it_is(self) -> None:
        client = {"client_id": "c", "client_secret": "s3cret", "token_endpoint_auth_method": "client_secret_post"}
        forms = await self.asked(lambda form: 200, client=client)
        assert [form["client_secret"] for form in forms] == [["s3cret"], ["s3cret"]]

    async def test_an_issuer_that_revokes_refresh_tokens_only_will_do(self) -> None:
        forms = await self.asked(lambda form: 200 if form["token"] == ["r3fresh"] else 400)
        assert {form["token"][0] for form in forms} == {"r3fresh", "0ld"}

    @pytest.mark.parametrize("status", [302, 400, 401, 404, 500, 503])
    async def test_a_refusal_is_told(self, status: int) -> None:
        with pytest.raises(NotRevoked, match=f"answered HTTP {status}"):
            await self.asked(lambda form: status)

    async def test_that_an_issuer_offers_none_is_told(self) -> None:
        with pytest.raises(NotRevoked, match=r"https://issuer\.example offers no way to"):
            await revoke(msgspec.structs.replace(grant("https://issuer.example"), server=None), HERE)

    async def test_an_issuer_that_takes_for_ever_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revocation, "DEADLINE", 0.1)
        async with raw_server(silent()) as url:
            with pytest.raises(NotRevoked, match=r"did not answer within 0\.1 s"):
                await revoke(grant(url), HERE)
