"""HTTP servers that an executor's own variables sign in to: this host never has their values (U4)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

import mcpool
from mcpool.errors import ServerUnavailable
from support.exec_servers import ExecServer
from support.plugin_folder import plugin
from support.real_servers import DEMO, OpenHost, servers
from support.served import serving

from .conftest import ready

LOOK, KEY = "mcp__browser__look", b"x-key"


class Browser:
    """Lets in whoever has the token, and keeps what came with each request."""

    def __init__(self, token: str = "there") -> None:
        self.seen: list[dict[bytes, bytes]] = []
        self._authorization = f"Bearer {token}".encode()
        server = MCPServer("browser")

        @server.tool()
        def look() -> str:
            return "seen"

        self._registered = look
        self._app: ASGIApp = server.streamable_http_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            self.seen.append(headers)
            if headers.get(b"authorization") != self._authorization:
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)


def browser(far: ExecServer, url: str, **settings: Any) -> mcpool.CapabilityRoot:
    """A plugin there, whose server wants a token that only the executor has."""
    entry = {"url": url, "bearer_token_env_var": "THERE_TOKEN", **settings}
    folder = plugin(far.root / "web", servers={"browser": entry})
    return mcpool.CapabilityRoot("web@1", str(folder), "box")


def attach(host: mcpool.Host, far: ExecServer, url: str | None = None) -> None:
    host.environments.add("box", url or far.url, token=far.token)


async def test_a_server_found_there_is_signed_in_to_with_a_token_that_only_its_executor_has(
    far: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S5. It is required, and waited for. A variable of this host that is called the same is left alone."""
    app = Browser()
    async with serving(app) as url:
        root = browser(far, url, env_http_headers={"X-Key": "OTHER"}, required=True)
        host = await open_host(servers(demo=DEMO), environ=os.environ | {"THERE_TOKEN": "ours", "OTHER": "ours"})
        attach(host, far)
        await ready(host)
        async with host.thread(capability_roots=[root]) as thread, thread.step() as step:
            assert (await step.call(LOOK)).structured == {"result": "seen"}
        assert {headers[KEY] for headers in app.seen} == {b"other"}
        assert not any(b"ours" in value for headers in app.seen for value in headers.values())
        await host.close()
        far.close()  # what it still hears of is over


async def test_a_configured_server_can_be_signed_in_to_with_the_variables_of_its_executor(
    ours: ExecServer, open_host: OpenHost
) -> None:
    """S6. `variables_source` says whose they are: without it they are this host's."""
    app = Browser()
    async with serving(app) as url:
        web = {"url": url, "environment_id": "box", "bearer_token_env_var": "THERE_TOKEN"}
        there, here = {**web, "variables_source": "remote"}, {**web, "startup_timeout_sec": 5}
        host = await open_host(servers(there=there, here=here), environ=os.environ | {"THERE_TOKEN": "ours"})
        attach(host, ours)
        await ready(host)
        async with host.thread() as thread:
            found = await thread.ready()
        assert (found["there"], type(found["here"]).__name__) == (None, "AuthRequired")
        assert {headers[b"authorization"] for headers in app.seen} == {b"Bearer there", b"Bearer ours"}
        await host.close()
        ours.close()  # what it still hears of is over


async def test_a_value_that_no_header_can_hold_is_told_by_its_name_alone(tmp_path: Path, open_host: OpenHost) -> None:
    app = Browser()
    with closing(ExecServer(tmp_path / "far", THERE_TOKEN="s3cr\u00e9t")) as far:
        far.start()
        async with serving(app) as url:
            root = browser(far, url, required=True)
            host = await open_host(servers())
            attach(host, far)
            await ready(host)
            with pytest.raises(ServerUnavailable, match=r"cannot hold the value of .* THERE_TOKEN") as refused:
                async with host.thread(capability_roots=[root]):
                    pass
            assert not any(part in str(refused.value) for part in ("s3cr", "\u00e9", "xe9"))
            assert app.seen == []
            await host.close()


async def test_a_variable_that_is_not_set_there_is_named_and_nothing_is_sent(
    far: ExecServer, open_host: OpenHost
) -> None:
    app = Browser()
    async with serving(app) as url:
        root = browser(far, url, bearer_token_env_var="NOT_THERE", required=True)
        host = await open_host(servers(), environ=os.environ | {"NOT_THERE": "ours"})
        attach(host, far)
        await ready(host)
        with pytest.raises(ServerUnavailable, match="NOT_THERE"):
            async with host.thread(capability_roots=[root]):
                pass
        assert app.seen == []
        await host.close()
        far.close()  # what it still hears of is over


async def test_an_older_executor_leaves_such_a_server_out_and_the_hosts_own_is_there(
    ours: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S5. It is required, and fails no thread: the token of this host would be the only one to send."""
    app = Browser("ours")
    async with serving(app) as url, an_older_one(ours) as older:
        own = {"url": url, "environment_id": "box", "bearer_token_env_var": "THERE_TOKEN", "required": True}
        host = await open_host(servers(own=own), environ=os.environ | {"THERE_TOKEN": "ours"})
        attach(host, ours, older)
        await ready(host)
        root = browser(ours, "http://127.0.0.1:9/mcp", required=True)
        async with host.thread(capability_roots=[root]) as thread, thread.step() as step:
            assert list(step.tools) == ["mcp__own__look"]
            with pytest.raises(ServerUnavailable, match="its environment `box` is too old"):
                await step.read_resource("browser", "x://y")
        await host.close()
        ours.close()  # what it still hears of is over


async def test_a_name_that_the_host_has_a_server_of_stays_the_hosts(ours: ExecServer, open_host: OpenHost) -> None:
    """Scenario S5. U1: nothing is asked of the other one."""
    app = Browser()
    async with serving(app) as url:
        host = await open_host(servers(browser=DEMO))
        attach(host, ours)
        await ready(host)
        async with host.thread(capability_roots=[browser(ours, url)]) as thread:
            await thread.ready()
            async with thread.step() as step:
                assert "mcp__browser__counter" in step.tools
                assert LOOK not in step.tools
        assert app.seen == []
        await host.close()
        ours.close()  # what it still hears of is over


async def test_a_sub_agent_that_is_given_no_roots_discovers_nothing(ours: ExecServer, open_host: OpenHost) -> None:
    """Scenario S5. One that reviews what its parent does, say: a program gives it none, and it has none."""
    app = Browser()
    async with serving(app) as url:
        host = await open_host(servers(demo=DEMO))
        attach(host, ours)
        await ready(host)
        thread = host.thread(capability_roots=[browser(ours, url)])
        async with host.thread(parent=thread, capability_roots=()) as reviewer:
            await reviewer.ready()
            async with reviewer.step() as step:
                assert step.servers == ("demo",)
        await host.close()
        ours.close()  # what it still hears of is over


@asynccontextmanager
async def an_older_one(far: ExecServer) -> AsyncGenerator[str]:
    """The way to an executor that says nothing of what it can do."""

    async def between(client: ServerConnection) -> None:
        async with connect(far.url, additional_headers=far.headers) as executor:

            async def there() -> None:
                async for message in client:
                    await executor.send(message)

            async def back() -> None:
                async for message in executor:
                    said = json.loads(message)
                    said.get("result", {}).get("environmentInfo", {}).pop("capabilities", None)
                    await client.send(json.dumps(said))

            passing = [asyncio.create_task(there()), asyncio.create_task(back())]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)

    async with serve(between, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
