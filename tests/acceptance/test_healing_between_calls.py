"""A server that ended while nobody called it: whatever is wanted of it next works, and nobody does anything for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.threads.thread import Thread
from support.lasting import Lasting
from support.lasting_server import URI
from support.mcpool_home import McpoolHome
from support.real_servers import servers
from support.sdk_clients import DOORS, Door, text


@pytest.fixture
async def thread(tmp_path: Path, lasting: Lasting, web: Lasting) -> AsyncGenerator[Thread]:
    """A thread of the library with one server on stdio and one over HTTP."""
    web.serve()
    source = servers(lasting=lasting.entry, web=web.http_entry)
    async with mcpool.open(source, home=tmp_path / "home", grace=10.0) as host, host.thread() as thread:
        await thread.ready()
        yield thread


async def call(thread: Thread, server: str, tool: str = "write", **arguments: object) -> str:
    async with thread.step() as step:
        return (await step.call(f"mcp__{server}__{tool}", arguments)).for_model()


async def relay(thread: Thread, server: str, method: str, fields: dict[str, bytes]) -> bytes:
    async with thread.step() as step:
        return await step.relay(server, method, fields)


OPERATIONS: dict[str, Callable[[Thread, str], Awaitable[Any]]] = {
    "tools/list": lambda thread, server: relay(thread, server, "tools/list", {}),
    "tools/call": lambda thread, server: call(thread, server, number=1),
    "resources/list": lambda thread, server: relay(thread, server, "resources/list", {}),
    "resources/templates/list": lambda thread, server: relay(thread, server, "resources/templates/list", {}),
    "resources/read": lambda thread, server: relay(thread, server, "resources/read", {"uri": b'"note:///one"'}),
    "prompts/list": lambda thread, server: relay(thread, server, "prompts/list", {}),
    "prompts/get": lambda thread, server: relay(thread, server, "prompts/get", {"name": b'"greet"'}),
    "completion/complete": lambda thread, server: relay(
        thread,
        server,
        "completion/complete",
        {"ref": b'{"type":"ref/prompt","name":"greet"}', "argument": b'{"name":"who","value":"w"}'},
    ),
    "resources/subscribe": lambda thread, server: thread.subscribe(server, URI),
    "logging/setLevel": lambda thread, server: thread.set_log_level(server, "error"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
class TestEveryOperation:
    """H1"""

    async def test_works_after_the_process_was_killed(self, thread: Thread, lasting: Lasting, operation: str) -> None:
        await call(thread, "lasting", number=0)
        lasting.kill()
        await OPERATIONS[operation](thread, "lasting")
        await call(thread, "lasting", number=2)  # what waits for the next start, as a log level does, was sent by now
        assert lasting.count(operation) >= 1
        assert (lasting.starts, lasting.ran(2)) == (2, 1)

    async def test_works_after_the_http_server_was_restarted(
        self, thread: Thread, web: Lasting, operation: str
    ) -> None:
        await call(thread, "web", number=0)
        web.restart()
        await OPERATIONS[operation](thread, "web")
        await call(thread, "web", number=2)
        assert web.count(operation) >= 1
        assert (web.count("initialize"), web.ran(2)) == (2, 1)


class TestManyCallers:
    """H1, H3"""

    async def test_of_a_killed_process_cause_one_restart_and_all_get_their_answers(
        self, thread: Thread, lasting: Lasting
    ) -> None:
        await call(thread, "lasting", number=1000)
        lasting.kill()
        answers = await asyncio.gather(*(call(thread, "lasting", number=number) for number in range(64)))
        assert answers == [str(number) for number in range(64)]
        assert [lasting.ran(number) for number in range(64)] == [1] * 64
        assert lasting.starts == 2

    async def test_of_a_restarted_http_server_cause_one_session_and_all_get_their_answers(
        self, thread: Thread, web: Lasting
    ) -> None:
        await call(thread, "web", number=1000)
        web.restart()
        answers = await asyncio.gather(*(call(thread, "web", number=number) for number in range(50)))
        assert answers == [str(number) for number in range(50)]
        assert [web.ran(number) for number in range(50)] == [1] * 50
        assert web.count("initialize") == 2


async def test_subscription_is_made_again_by_the_next_process(thread: Thread, lasting: Lasting) -> None:
    """H4"""
    await thread.subscribe("lasting", URI)
    await thread.set_log_level("lasting", "error")
    lasting.kill()
    await call(thread, "lasting", number=1)
    assert [int(words[1]) for words in lasting.lines("resources/subscribe")][-1] == lasting.pid
    assert [int(words[1]) for words in lasting.lines("logging/setLevel")][-1] == lasting.pid


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.way}-{door.mode}")
async def test_clients_of_the_daemon_notice_nothing(
    mcpool: McpoolHome, lasting: Lasting, web: Lasting, door: Door
) -> None:
    """H1 through every door, on stdio and over HTTP."""
    web.serve()
    mcpool.configure_servers(lasting=lasting.entry, web=web.http_entry)
    mcpool.up().ready()
    async with door.client(mcpool, "lasting") as pipe, door.client(mcpool, "web") as http:
        for number, (client, server) in enumerate([(pipe, lasting), (http, web)]):
            await client.call_tool("write", {"number": 1000 + number})
            server.kill()
            if server is web:
                server.serve()
            assert text(await client.call_tool("write", {"number": number})) == str(number)
            assert [tool.name for tool in (await client.list_tools()).tools] == ["write", "read", "put"]
            assert len((await client.list_resources()).resources) == 1
            assert len((await client.list_prompts()).prompts) == 1
            assert (await client.read_resource(URI)).contents
            assert (server.starts, server.ran(number)) == (2, 1)
