"""Issuers that cannot answer just now: what callers get meanwhile, and how often the issuer is asked."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mcpool.errors import AuthRequired, ServerUnavailable
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.sign_in import SignIns
from mcpool.oauth.store import GrantStore
from support.raw_http import Asked, raw_server
from support.ways import HERE

Attempt = Callable[..., Awaitable[tuple[list[str], int]]]


@pytest.fixture
def attempts(home: Path) -> Attempt:
    """What those get who need a token, if the issuer answers HTTP 429, and how often it is asked."""

    async def made(times: int, retry_after: str | None, expires_in: float) -> tuple[list[str], int]:
        asked_times, got = 0, list[str]()

        async def busy(asked: Asked) -> None:
            nonlocal asked_times
            asked_times += 1
            await asked.reply(429, b"", extra=(("Retry-After", retry_after),) if retry_after else ())

        async with raw_server(busy) as url:
            place = Place(url, "")
            grant = Grant(
                url,
                url,
                {"client_id": "c"},
                access_token="acc3ss",
                refresh_token="r",
                expires_at=time.time() + expires_in,
            )
            await GrantStore(home, "file").write(place, grant)
            sign_in = SignIns(GrantStore(home, "file"), lambda environment: HERE).of("web", place)
            for _ in range(times):
                try:
                    got.append(await sign_in.token() or "none")
                except ServerUnavailable as error:
                    got.append("signed out" if isinstance(error, AuthRequired) else str(error))
        return got, asked_times

    return made


async def test_one_that_wants_to_be_left_alone_is(attempts: Attempt) -> None:
    got, asked = await attempts(20, "30", -5.0)
    assert asked == 1
    assert len(set(got)) == 1
    assert "answered HTTP 429; nothing was sent; if that stays so, sign in again: `mcpool auth web`" in got[0]


async def test_one_that_fails_again_and_again_is_asked_more_and_more_seldom(attempts: Attempt) -> None:
    _, asked = await attempts(50, None, -5.0)
    assert asked == 2


async def test_the_token_is_used_until_it_expires_if_it_cannot_be_renewed_before(attempts: Attempt) -> None:
    """It is not used up to the last second for this."""
    got, _ = await attempts(3, None, 25.0)
    assert got == ["acc3ss"] * 3
