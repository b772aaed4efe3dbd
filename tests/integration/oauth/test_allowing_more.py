"""Servers that do some things only for those who have allowed them more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mcpool
from integration.oauth.conftest import person
from mcpool.config.server import Http
from mcpool.oauth.interactive import sign_in
from support.mcp_over_http import Asked, McpServer
from support.oauth_server import Issuer
from support.ways import HERE

CHALLENGE = 'Bearer error="insufficient_scope", scope="files:write it\'s", resource_metadata="http://h/x"'


async def _only_reads(asked: Asked, text: str) -> bool:
    if text != "write":
        return False
    await asked.reply(403, b'{"error":"insufficient_scope"}', extra=(("WWW-Authenticate", CHALLENGE),))
    return True


def servers(url: str) -> dict[str, Any]:
    return {"mcp_servers": {"web": {"url": url, "scope": "shared"}}}


async def test_a_call_that_needs_more_says_how_to_allow_it_and_disturbs_no_other(home: Path) -> None:
    async with McpServer() as server, mcpool.open(servers(server.url), home=home) as host, host.thread() as thread:
        server.before = _only_reads
        await thread.ready()
        async with thread.step() as step:
            with pytest.raises(mcpool.AuthRequired) as refused:
                await step.call("mcp__web__read", {"text": "write"})
            await step.call("mcp__web__read", {"text": "read"})
        command = "mcpool auth web --scope files:write --scope 'it'\"'\"'s'"
        assert str(refused.value) == f"`web` does this only if you allow more: run `{command}`"
        assert refused.value.scopes == ("files:write", "it's")
        assert (host.status()[0]["state"], server.initializations, server.ran) == ("ready", 1, {"read": 1})


async def test_more_is_asked_for_with_what_was_allowed_before(url: str, issuer: Issuer) -> None:
    before = await sign_in("web", Http(url, scopes=("read",)), None, person(), HERE)
    after = await sign_in("web", Http(url), before, person(), HERE, ("write", "read"))
    assert issuer.scopes == ["read", "write"]
    assert after.scope == "read write"


async def test_more_is_asked_for_with_what_is_configured(url: str, issuer: Issuer) -> None:
    await sign_in("web", Http(url, scopes=("read",)), None, person(), HERE, ("write",))
    assert issuer.scopes == ["read", "write"]
