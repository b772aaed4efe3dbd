"""A server that wants to be signed in to, a home, and a person who does it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from mcpool.config.home import ensure_home
from mcpool.config.server import Http
from mcpool.oauth.callback import Answer, read_answer
from mcpool.oauth.grant import grant_place
from mcpool.oauth.interactive import Visit, sign_in
from mcpool.oauth.store import GrantStore
from support.oauth_server import Issuer, oauth_server, visit
from support.ways import HERE

SignsIn = Callable[[], Awaitable[None]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return ensure_home(tmp_path / "home")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def url(issuer: Issuer) -> AsyncGenerator[str]:
    async with oauth_server(issuer) as url:
        yield url


def person() -> Visit:
    """Somebody with a browser."""
    came: list[str] = []

    async def show(url: str) -> None:
        came.append(await visit(url))

    async def answer() -> Answer:
        return read_answer(came.pop())

    return Visit("http://127.0.0.1:8378/callback", show, answer)


@pytest.fixture
def signs_in(home: Path, url: str) -> SignsIn:
    """As another process does it: nothing but the files of the home is shared."""

    async def done(principal: str = "") -> None:
        store, http = GrantStore(home, "file"), Http(url)
        place = grant_place(http, principal, "local")
        before = await store.read(place)
        await store.write(place, await sign_in("web", http, before and before.grant, person(), HERE))

    return done
