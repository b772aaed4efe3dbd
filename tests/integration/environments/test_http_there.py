"""HTTP servers that are reached through an executor."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from mcpool.threads.elicitation import Elicitation
from support.exec_servers import ExecServer, cable
from support.ports import closed_port
from support.real_servers import OpenHost, servers
from support.served import serving

from .conftest import ready


class Name(BaseModel):
    name: str


def who() -> Elicit[Name]:
    """Both eras have their way to ask."""
    return Elicit("who?", Name)


class Witness:
    """Says of each request which headers it had, and holds calls while the test says so."""

    def __init__(self) -> None:
        self.headers: list[dict[bytes, bytes]] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.holding = asyncio.Event()
        server = MCPServer("there")

        @server.tool()
        async def greet(name: Annotated[Name, Resolve(who)]) -> str:
            return f"hello {name.name}"

        @server.tool()
        async def big(megabytes: int) -> str:
            return "x" * (megabytes * 1024 * 1024)

        @server.tool()
        async def hold() -> str:
            self.holding.set()
            await self.goes_on.wait()
            return "done"

        self._registered = (greet, big, hold)
        self._app: ASGIApp = server.streamable_http_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.headers.append(dict(scope["headers"]))
        await self._app(scope, receive, send)


@pytest.fixture(autouse=True)
def no_way_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is reached from here: it would go unnoticed, since everything is on one machine."""

    def refuse(*_: object) -> None:
        raise AssertionError("it went out from here")

    monkeypatch.setattr("mcpool.wire.http_client._own_transport", refuse)


async def test_a_server_is_reached_through_its_executor_asks_and_answers(far: ExecServer, open_host: OpenHost) -> None:
    witness = Witness()

    async def answer(question: Elicitation) -> dict[str, str]:
        return {"name": "Ann"}

    async with serving(witness) as url:
        host = await open_host(servers(web={"url": url, "environment_id": "box", "http_headers": {"X-Team": "blue"}}))
        host.environments.add("box", far.url, token=far.token)
        await ready(host)
        async with host.thread(on_elicit=answer) as thread:
            await thread.ready()
            async with thread.step() as step:
                assert (await step.call("mcp__web__greet", {})).structured == {"result": "hello Ann"}
                assert len((await step.call("mcp__web__big", {"megabytes": 3})).structured["result"]) == 3 * 1024 * 1024
    assert {headers[b"x-team"] for headers in witness.headers} == {b"blue"}
    assert not any(b"Bearer" in value for headers in witness.headers for value in headers.values())


async def test_where_nobody_listens_nothing_was_sent(far: ExecServer, open_host: OpenHost) -> None:
    url = f"http://127.0.0.1:{closed_port()}/mcp"
    host = await open_host(servers(web={"url": url, "environment_id": "box", "scope": "shared"}))
    host.environments.add("box", far.url, token=far.token)
    await ready(host)
    async with host.thread() as thread:
        await thread.ready()
        with pytest.raises(ServerUnavailable, match="from the environment `box`"):
            await host.reconnect("web")


async def test_a_call_whose_socket_is_lost_may_have_run(ours: ExecServer, open_host: OpenHost) -> None:
    """H1: an HTTP answer can't be had back over another socket, and is not asked for twice."""
    witness = Witness()
    witness.goes_on.clear()
    async with serving(witness) as url, cable(ours.port) as line:
        host = await open_host(servers(web={"url": url, "environment_id": "box"}))
        host.environments.add("box", line.url, token=ours.token)
        await ready(host)
        async with host.thread() as thread:
            await thread.ready()
            async with thread.step() as step:
                holding = asyncio.create_task(step.call("mcp__web__hold", {}))
                await witness.holding.wait()
                line.cut()
                with pytest.raises(CallOutcomeUnknown):
                    await holding
            witness.goes_on.set()
            async with thread.step() as step:
                assert (await step.call("mcp__web__hold", {})).structured == {"result": "done"}
