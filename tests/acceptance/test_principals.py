"""Clients of different principals at one HTTP server: no connection and no token is ever another's."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gatewaykit.http_client import HttpClient
from mcpool.config.server import Http
from mcpool.oauth.grant import Grant, grant_place
from mcpool.oauth.store import GrantStore
from support.mcp_over_http import Asked, McpServer
from support.mcpool_home import McpoolHome

PRINCIPALS = ("ann", "bob")
CLIENTS = 3
"""Of each principal and era."""


class Watched(McpServer):
    """Writes down with which token, and in which session, each call came."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: defaultdict[str, set[str | None]] = defaultdict(set)
        self.sessions: defaultdict[str, set[str]] = defaultdict(set)
        self.of_session: defaultdict[str, set[str | None]] = defaultdict(set)
        """The tokens of all requests of a session, whatever they were."""
        self.before = self.note

    async def note(self, asked: Asked, text: str) -> bool:
        client = text.rpartition("/")[0]
        self.tokens[client].add(asked.headers.get("authorization"))
        self.sessions[client].add(asked.headers["mcp-session-id"])
        return False

    async def _handle(self, asked: Asked) -> None:
        if "mcp-session-id" in asked.headers:
            self.of_session[asked.headers["mcp-session-id"]].add(asked.headers.get("authorization"))
        await super()._handle(asked)


@pytest.fixture
async def web() -> AsyncGenerator[Watched]:
    async with Watched() as web:
        yield web


async def started(mcpool: McpoolHome, web: Watched, scope: str) -> None:
    """A daemon with a token for each principal, all of whom have signed in to the server."""
    mcpool.configure(
        'mcp_oauth_credentials_store = "file"\n[daemon]\nport = 0\n'
        f'[mcp_servers.web]\nurl = "{web.url}"\nscope = "{scope}"\n'
    )
    store = GrantStore(mcpool.path, "file")
    for principal in PRINCIPALS:
        grant = Grant(web.url, "http://127.0.0.1:9", {}, access_token=f"token-of-{principal}")
        await store.write(grant_place(Http(web.url), principal, "local"), grant)
        assert (await asyncio.to_thread(mcpool.run, "token", "new", principal)).returncode == 0
    await asyncio.to_thread(mcpool.up().ready)


async def calls(client: HttpClient, name: str, *, modern: bool) -> list[str]:
    """Some calls; returns what their answers said."""
    said: list[str] = []
    for number in range(5):
        params: dict[str, Any] = {"name": "read", "arguments": {"text": f"{name}/{number}"}}
        response = await (client.modern("tools/call", params) if modern else client.call("tools/call", params))
        answer = (await response.messages())[-1] if response.is_stream else await response.json()
        said.append(answer["result"]["content"][0]["text"])
    return said


@pytest.mark.parametrize("scope", ["thread", "session-tree", "shared"])
async def test_no_principal_uses_another_s_connection_or_token(mcpool: McpoolHome, web: Watched, scope: str) -> None:
    """P3"""
    await started(mcpool, web, scope)
    async with AsyncExitStack() as stack:
        working: dict[str, asyncio.Task[list[str]]] = {}
        for principal in PRINCIPALS:
            token = (mcpool.path / "tokens" / principal).read_text()
            for number in range(CLIENTS):
                for era in ("handshake", "modern"):
                    client = await stack.enter_async_context(HttpClient(mcpool.port(), "/mcp/web", token=token))
                    if era == "handshake":
                        await client.initialize()
                    name = f"{principal}/{era}/{number}"
                    working[name] = asyncio.create_task(calls(client, name, modern=era == "modern"))
        for name, task in working.items():
            assert await task == [f"{name}/{number}" for number in range(5)]
        shown = json.dumps(await asyncio.to_thread(mcpool.status))

    for name in working:
        assert web.tokens[name] == {f"Bearer token-of-{name.partition('/')[0]}"}
    of_ann, of_bob = (
        {session for name in working if name.startswith(principal) for session in web.sessions[name]}
        for principal in PRINCIPALS
    )
    assert not of_ann & of_bob
    assert all(len(tokens) == 1 for tokens in web.of_session.values())
    # A client of the handshake era is a thread; all of 2026-07-28 with one token are one.
    threads = 1 if scope == "shared" else CLIENTS + 1
    assert (len(of_ann), len(of_bob)) == (threads, threads)
    assert "token-of-" not in shown
