"""HTTP servers whose tools are known are reached with the first call (Scenario L2)."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from support.real_servers import OpenHost, servers
from support.served import serving


class Counted:
    """Counts how often it is initialised: what each session begins with, before it has an id."""

    def __init__(self) -> None:
        self.sessions = 0
        self.keys: list[bytes | None] = []
        server = MCPServer("web")

        @server.tool()
        def look() -> str:
            return "seen"

        self._registered = look
        self._app: ASGIApp = server.streamable_http_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            headers = dict(scope["headers"])
            if b"mcp-session-id" not in headers:
                self.sessions += 1
                self.keys.append(headers.get(b"x-key"))
        await self._app(scope, receive, send)


@pytest.mark.parametrize(
    ("settings", "before_its_call"),
    [
        ({}, 1),
        ({"required": True}, 2),
        ({"http_headers_helper": """echo '{"X-Key": "made"}'"""}, 1),
    ],
    ids=["optional", "required", "headers helper"],
)
async def test_a_sub_agent_reaches_it_with_its_first_call(
    open_host: OpenHost, settings: dict[str, Any], before_its_call: int
) -> None:
    """A required one is reached at once, since it must run. One with headers of a helper is known like any other: its
    identity holds the helper, and what is shown is compared with the live list before anything is called."""
    app = Counted()
    async with serving(app) as url:
        host = await open_host(servers(web={"url": url, "era": "handshake", **settings}))
        async with host.thread() as root:
            await root.ready()
            assert app.sessions == 1
            async with host.thread(parent=root) as agent:
                async with agent.step() as step:
                    assert list(step.tools) == ["mcp__web__look"]
                assert app.sessions == before_its_call
                async with agent.step() as step:
                    assert (await step.call("mcp__web__look")).structured == {"result": "seen"}
                assert app.sessions == 2
        assert set(app.keys) == ({b"made"} if "http_headers_helper" in settings else {None})
        await host.close()
