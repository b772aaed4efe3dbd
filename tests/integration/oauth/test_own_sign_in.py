"""Servers that a client signs in to by itself, with its own credentials, where no person does."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import mcpool
from gatewaykit.waiting import until
from support.raw_http import Asked, raw_server

CALLERS = 50
KEY = generate_private_key(SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Issuer:
    """Gives a token to the client `robot`, whose secret is `s3cret` and whose key is `KEY`."""

    def __init__(self) -> None:
        self.origin = ""
        self.good: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.fails: int | None = None
        """The status that it answers with instead."""

    @property
    def name(self) -> str:
        """How it calls itself."""
        return f"{self.origin}/"

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id="robot", scopes=[]) if token in self.good else None

    async def metadata(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.name,
                "token_endpoint": f"{self.origin}/token",
                "authorization_endpoint": f"{self.origin}/authorize",
                "response_types_supported": ["code"],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            }
        )

    async def token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.asked.append(form)
        if self.fails is not None:
            return JSONResponse({"error": "temporarily_unavailable"}, self.fails)
        if form.get("grant_type") != "client_credentials" or not self._knows(request, form):
            return JSONResponse({"error": "invalid_client", "error_description": "s3cret"}, 401)
        token = secrets.token_hex(16)
        self.good.add(token)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def _knows(self, request: Request, form: dict[str, str]) -> bool:
        if "client_assertion" in form:
            claims = jwt.decode(form["client_assertion"], KEY.public_key(), ["ES256"], audience=self.name)
            return claims["sub"] == "robot"
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme == "Basic" and unquote(base64.b64decode(given).decode()) == "robot:s3cret"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def url(issuer: Issuer) -> AsyncGenerator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        issuer.origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        auth = AuthSettings(
            issuer_url=AnyHttpUrl(issuer.origin),
            resource_server_url=AnyHttpUrl(f"{issuer.origin}/mcp"),
            required_scopes=[],
            validate_token_resource=False,
        )
        server = MCPServer("guarded", token_verifier=issuer, auth=auth)

        @server.tool()
        async def work(text: str = "done") -> str:
            return text

        app = server.streamable_http_app()
        app.routes.append(Route("/.well-known/oauth-authorization-server", issuer.metadata))
        app.routes.append(Route("/token", issuer.token, methods=["POST"]))
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1))
        task = asyncio.create_task(running.serve(sockets=[sock]))
        try:
            yield f"{issuer.origin}/mcp"
        finally:
            running.should_exit = True
            await task


@asynccontextmanager
async def thread_for(url: str, home: Path, **oauth: Any) -> AsyncGenerator[mcpool.Thread]:
    client = {"client_id": "robot", "grant_type": "client_credentials", **oauth}
    config = {"mcp_servers": {"web": {"url": url, "scope": "shared", "oauth": client}}}
    async with mcpool.open(config, home=home, grace=5.0) as host, host.thread() as thread:
        yield thread


async def work(thread: mcpool.Thread, text: str = "done") -> str:
    async with thread.step() as step:
        raw = await step.relay("web", "tools/call", {"name": b'"work"', "arguments": b'{"text":"%b"}' % text.encode()})
    return raw.decode()


async def works(thread: mcpool.Thread) -> bool:
    try:
        return "done" in await work(thread)
    except mcpool.ServerUnavailable:
        return False


@pytest.mark.parametrize("credentials", [{"client_secret": "s3cret"}, {"private_key": PEM}], ids=["secret", "key"])
async def test_one_token_is_got_for_fifty_callers_and_another_when_it_is_refused(
    url: str, home: Path, issuer: Issuer, credentials: dict[str, str]
) -> None:
    async with thread_for(url, home, **credentials) as thread:
        answers = await asyncio.gather(*(work(thread, f"t{number}") for number in range(CALLERS)))
        assert all(f"t{number}" in answer for number, answer in enumerate(answers))
        assert len(issuer.asked) == 1
        issuer.good.clear()
        await asyncio.gather(*(work(thread) for _ in range(CALLERS)))
        assert len(issuer.asked) == 2
    assert not list((home / "oauth").glob("*")), "nothing is kept: it is had again at any time"


async def test_a_client_that_its_issuer_does_not_know_is_told_without_its_secret(
    url: str, home: Path, issuer: Issuer
) -> None:
    async with thread_for(url, home, client_secret="s3cret2") as thread:
        with pytest.raises(
            mcpool.ServerUnavailable, match=r"its issuer did not give a token \(HTTP 401, `invalid_client`"
        ):
            await work(thread)
        for _ in range(20):
            with pytest.raises(mcpool.ServerUnavailable) as refused:
                await work(thread)
            assert "s3cret" not in str(refused.value)
    assert len(issuer.asked) < 10, "it is left alone for a while"


async def test_it_is_tried_again_where_an_issuer_had_a_bad_moment(url: str, home: Path, issuer: Issuer) -> None:
    issuer.fails = 503
    async with thread_for(url, home, client_secret="s3cret") as thread:
        with pytest.raises(mcpool.ServerUnavailable, match="HTTP 503"):
            await work(thread)
        issuer.fails = None
        await until(lambda: works(thread))


async def test_an_issuer_that_is_not_the_named_one_is_shown_no_secret(url: str, home: Path, issuer: Issuer) -> None:
    async with thread_for(url, home, client_secret="s3cret", issuer="https://issuer.example.org") as thread:
        with pytest.raises(mcpool.ServerUnavailable, match="did not keep to the protocol"):
            await work(thread)
    assert issuer.asked == []


async def test_the_named_issuer_is(url: str, home: Path, issuer: Issuer) -> None:
    async with thread_for(url, home, client_secret="s3cret", issuer=issuer.name) as thread:
        assert "done" in await work(thread)


@pytest.mark.parametrize("key", ["no key", PEM[:60]])
async def test_a_key_that_is_none_is_told_without_it(url: str, home: Path, key: str) -> None:
    async with thread_for(url, home, private_key=key) as thread:
        with pytest.raises(mcpool.ServerUnavailable, match=r"`oauth.private_key` is not a private key in PEM") as told:
            await work(thread)
    assert PEM[30:50] not in str(told.value)


async def test_a_server_that_asks_for_nothing_is_shown_nothing(home: Path, issuer: Issuer) -> None:
    seen: list[str | None] = []

    async def open_to_all(asked: Asked) -> None:
        seen.append(asked.headers.get("authorization"))
        await asked.reply(405)

    async with raw_server(open_to_all) as url, thread_for(url, home, client_secret="s3cret") as thread:
        assert (await thread.ready())["web"] is not None
    assert set(seen) == {None}
    assert issuer.asked == []


async def test_headers_of_the_connection_go_along(home: Path) -> None:
    """Something before the server may want them."""
    seen: list[str | None] = []

    async def gate(asked: Asked) -> None:
        if asked.method == "POST" and b"jsonrpc" in asked.body:
            seen.append(asked.headers.get("x-gate"))
        await asked.reply(401)

    async with raw_server(gate) as url:
        client = {"client_id": "robot", "client_secret": "s3cret", "grant_type": "client_credentials"}
        web = {"url": url, "oauth": client, "env_http_headers": {"X-Gate": "GATE"}, "restart_max": 0}
        environ = {"GATE": "open", "PATH": "/usr/bin:/bin"}
        async with (
            mcpool.open({"mcp_servers": {"web": web}}, home=home, environ=environ) as host,
            host.thread() as thread,
        ):
            assert (await thread.ready())["web"] is not None
    assert set(seen) == {"open"}
