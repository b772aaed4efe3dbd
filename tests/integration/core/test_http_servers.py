"""Streamable HTTP servers through the library: one connection for each thread (P3)."""

from __future__ import annotations

import asyncio
import socket
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

from mcpool.threads.elicitation import Elicitation
from support.real_servers import OpenHost, servers
from support.served import serving


class Name(BaseModel):
    name: str


def who() -> Elicit[Name]:
    """Both eras have their way to ask: in the middle of the call, or as its answer."""
    return Elicit("who?", Name)


def greeter() -> MCPServer:
    server = MCPServer("greeter")

    @server.tool()
    async def greet(name: Annotated[Name, Resolve(who)]) -> str:
        return f"hello {name.name}"

    return server


async def test_each_thread_has_its_own_connection_and_is_asked_its_own_questions(open_host: OpenHost) -> None:
    """P3: no crossing of elicitations between threads."""
    async with serving(greeter().streamable_http_app()) as url:
        host = await open_host(servers(web={"url": url}))

        everybody = asyncio.Barrier(5)

        async def greeted(name: str) -> tuple[str, int]:
            def answer(question: Elicitation) -> dict[str, str]:
                assert question.message == "who?"
                return {"name": name}

            async with host.thread(on_elicit=answer) as thread:
                await thread.ready()
                async with thread.step() as step:
                    greeting = (await step.call("mcp__web__greet")).for_model()
                await everybody.wait()
                connections = len([row for row in host.status() if row["name"] == "web"])
                await everybody.wait()
                return greeting, connections

        names = [f"n{number}" for number in range(5)]
        greetings = await asyncio.gather(*(greeted(name) for name in names))
        assert greetings == [(f'{{"result":"hello {name}"}}', 5) for name in names]
        await host.close()


async def test_a_server_that_cannot_be_reached_fails_its_callers_only(open_host: OpenHost) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    app = greeter().streamable_http_app()
    async with serving(app) as good:
        host = await open_host(servers(good={"url": good}, bad={"url": url, "startup_timeout_sec": 10}))
        async with host.thread() as thread:
            outcomes = await thread.ready()
        assert outcomes["good"] is None
        assert str(outcomes["bad"]).startswith("`bad`: ")
        await host.close()
