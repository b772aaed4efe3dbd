"""Servers that want to be signed in to, through the library: tokens found, renewed and lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import mcpool
from integration.oauth.conftest import SignsIn, person
from mcpool.config.server import Http
from mcpool.oauth.grant import grant_place
from mcpool.oauth.interactive import sign_in
from mcpool.oauth.kept import decode
from mcpool.oauth.store import GrantStore
from support.oauth_server import Issuer
from support.ways import HERE

DEADLINE = 30.0
CALLERS = 50


def configured(url: str, **more: Any) -> dict[str, Any]:
    return {"mcp_oauth_credentials_store": "file", "mcp_servers": {"web": {"url": url, "scope": "shared", **more}}}


@asynccontextmanager
async def host_for(url: str, home: Path, **more: Any) -> AsyncGenerator[mcpool.Host]:
    async with mcpool.open(configured(url, **more), home=home, grace=5.0) as host:
        yield host


async def work(thread: mcpool.Thread, text: str = "done") -> str:
    async with thread.step() as step:
        result = await asyncio.wait_for(step.relay("web", "tools/call", fields(text)), DEADLINE)
    return result.decode()


def fields(text: str) -> dict[str, bytes]:
    return {"name": b'"work"', "arguments": b'{"text":"%s"}' % text.encode()}


def state(host: mcpool.Host) -> str:
    (row,) = host.status()
    return row["state"]


async def test_a_server_that_wants_a_sign_in_says_so_to_model_and_person(url: str, home: Path) -> None:
    async with host_for(url, home) as host, host.thread() as thread:
        with pytest.raises(mcpool.AuthRequired) as refused:
            await work(thread)
        assert str(refused.value) == "`web` needs you to sign in: run `mcpool auth web`"
        assert state(host) == "auth_required"


async def test_the_next_call_uses_a_sign_in_of_another_process(url: str, home: Path, signs_in: SignsIn) -> None:
    async with host_for(url, home) as host, host.thread() as thread:
        with pytest.raises(mcpool.AuthRequired):
            await work(thread)
        await signs_in()
        assert "done" in await work(thread)
        assert state(host) == "ready"


async def test_tokens_that_the_server_drops_are_renewed_once_for_fifty_callers(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn
) -> None:
    await signs_in()
    async with host_for(url, home) as host, host.thread() as thread:
        await work(thread)
        issuer.expire_all()
        issuer.before_refresh = asyncio.Event()
        calls = [asyncio.create_task(work(thread, f"t{number}")) for number in range(CALLERS)]
        await asyncio.wait_for(issuer.refresh_asked.wait(), DEADLINE)
        issuer.before_refresh.set()
        answers = await asyncio.gather(*calls)
    assert all(f"t{number}" in answer for number, answer in enumerate(answers))
    assert issuer.refreshes == 1


async def test_a_token_about_to_expire_is_renewed_before_it_is_used(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn
) -> None:
    issuer.lifetime = 40
    await signs_in()
    (file,) = (home / "oauth").glob("*.json")
    kept = decode(file.read_bytes())
    assert kept is not None
    assert kept.grant is not None
    soon = msgspec.structs.replace(kept.grant, expires_at=time.time() + 15)  # less than the 20 s in reserve
    await GrantStore(home, "file").write(grant_place(Http(url), "", "local"), soon)
    async with host_for(url, home) as host, host.thread() as thread:
        assert "done" in await work(thread)
    assert issuer.refreshes == 1


async def test_two_processes_renew_a_token_once(url: str, home: Path, issuer: Issuer, signs_in: SignsIn) -> None:
    """The issuer takes a refresh token once only; who comes second finds the new one."""
    await signs_in()
    async with (
        host_for(url, home) as one,
        host_for(url, home) as other,
        one.thread() as first,
        other.thread() as second,
    ):
        await asyncio.gather(work(first), work(second))
        issuer.expire_all()
        await asyncio.gather(work(first), work(second))
    assert issuer.refreshes == 1


async def test_a_renewal_outlives_the_caller_that_began_it(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn
) -> None:
    """An issuer that rotates its tokens has spent the old one by then."""
    await signs_in()
    async with host_for(url, home) as host, host.thread() as thread:
        await work(thread)
        issuer.expire_all()
        issuer.before_refresh = asyncio.Event()
        call = asyncio.create_task(work(thread))
        await asyncio.wait_for(issuer.refresh_asked.wait(), DEADLINE)
        call.cancel()
        await asyncio.wait([call])
        issuer.before_refresh.set()
        assert "done" in await work(thread)
    assert issuer.refreshes == 1


async def test_a_revoked_sign_in_becomes_auth_required_and_no_secret_is_told(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn, caplog: pytest.LogCaptureFixture
) -> None:
    await signs_in()
    caplog.set_level(logging.DEBUG)
    async with host_for(url, home) as host, host.thread() as thread:
        await work(thread)
        issuer.revoke_all()
        with pytest.raises(mcpool.AuthRequired) as refused:
            await work(thread)
        with pytest.raises(mcpool.AuthRequired):
            await work(thread)
        assert state(host) == "auth_required"
        assert issuer.refreshes == 1
        told = f"{refused.value} {refused.value!r} {host.status()} {host!r} {caplog.text}"
    assert [secret for secret in issuer.secrets if secret in told] == []


async def test_an_issuer_that_is_down_signs_nobody_out(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        issuer.refreshes += 1
        raise RuntimeError("the issuer's database is away")

    await signs_in()
    async with host_for(url, home) as host, host.thread() as thread:
        await work(thread)
        issuer.expire_all()
        with monkeypatch.context() as patch:
            patch.setattr(issuer, "load_refresh_token", broken)
            with pytest.raises(mcpool.ServerUnavailable, match=r"could not be renewed: .* answered HTTP 500") as failed:
                await work(thread)
        assert not isinstance(failed.value, mcpool.AuthRequired)
        assert "done" in await work(thread)


async def test_each_principal_has_a_sign_in_of_its_own(url: str, home: Path, signs_in: SignsIn) -> None:
    await signs_in()
    async with host_for(url, home) as host, host.thread(principal="laptop") as thread:
        with pytest.raises(mcpool.AuthRequired, match="run `mcpool auth web --principal laptop`"):
            await work(thread)


async def test_the_configured_scopes_and_resource_are_asked_for(url: str, home: Path, issuer: Issuer) -> None:
    http = Http(url, scopes=("read", "write"), oauth_resource="https://example.org/api")
    grant = await sign_in("web", http, None, person(), HERE)
    assert issuer.scopes == ["read", "write"]
    assert issuer.resource == "https://example.org/api"
    assert grant.state == "renewed by itself"


async def test_a_second_sign_in_uses_the_registration_of_the_first(
    url: str, home: Path, issuer: Issuer, signs_in: SignsIn
) -> None:
    await signs_in()
    await signs_in()
    assert (issuer.sign_ins, len(issuer.clients)) == (2, 1)


async def test_what_is_kept_is_for_its_owner_alone(url: str, home: Path, issuer: Issuer, signs_in: SignsIn) -> None:
    await signs_in()
    (file,) = (home / "oauth").glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert (home / "oauth").stat().st_mode & 0o777 == 0o700
    assert "127.0.0.1" not in file.name


async def test_a_configured_header_that_is_refused_names_the_configuration(url: str, home: Path) -> None:
    async with host_for(url, home, http_headers={"Authorization": "Bearer wrong"}) as host, host.thread() as thread:
        with pytest.raises(mcpool.AuthRequired, match="`web` refuses the credentials that are configured") as refused:
            await work(thread)
    assert "wrong" not in str(refused.value)
