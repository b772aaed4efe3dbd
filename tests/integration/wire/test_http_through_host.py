"""An HTTP server seen from the library: what its failures, its restarts and its questions come to for a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import mcpool
from support.raw_http import Asked, Handler, raw_server

DEADLINE = 20.0
HELLO: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "raw", "version": "1"},
}
TOOLS = {"tools": [{"name": "work", "inputSchema": {"type": "object"}}]}
DONE = {"content": [{"type": "text", "text": "done"}]}


class Server:
    """A handshake-era server with one tool; `on_call` says what becomes of a call."""

    def __init__(self, on_call: Handler) -> None:
        self.on_call = on_call
        self.sessions = 0
        self.calls = 0

    async def __call__(self, asked: Asked) -> None:
        if asked.method != "POST":
            await asked.reply(405)
            return
        message = asked.message
        match message.get("method"):
            case "initialize":
                self.sessions += 1
                await asked.result(HELLO, (("Mcp-Session-Id", f"s{self.sessions}"),))
            case "tools/list":
                await asked.result(TOOLS)
            case "tools/call":
                self.calls += 1
                await self.on_call(asked)
            case _ if "id" in message and "method" in message:
                error = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"unknown"}}'
                await asked.reply(400, error)
            case _:
                await asked.reply(202)


PARALLEL = {"supports_parallel_tool_calls": True}


@asynccontextmanager
async def step_on(server: Server, home: Path, **thread: Any) -> AsyncGenerator[mcpool.Step]:
    """A step on it."""
    async with (
        raw_server(server) as url,
        mcpool.open({"mcp_servers": {"web": {"url": url, **PARALLEL}}}, home=home, grace=DEADLINE) as host,
        host.thread(**thread) as opened,
        opened.step() as step,
    ):
        yield step


async def test_an_expired_session_is_opened_anew_and_the_call_sent_once_more(tmp_path: Path) -> None:
    """Reference 6.3: 404 with our session id means that nothing ran, so the call may be sent again."""

    async def on_call(asked: Asked) -> None:
        if asked.headers["mcp-session-id"] == "s1":
            await asked.reply(404)
        else:
            await asked.result(DONE)

    server = Server(on_call)
    async with step_on(server, tmp_path) as step:
        result = await asyncio.wait_for(step.call("mcp__web__work", {}), DEADLINE)
    assert result.for_model() == "done"
    assert (server.sessions, server.calls) == (2, 2)


async def test_a_call_whose_connection_breaks_may_have_run_and_is_not_repeated(tmp_path: Path) -> None:
    """Invariant 6."""

    async def on_call(asked: Asked) -> None:
        asked.writer.transport.abort()

    server = Server(on_call)
    async with step_on(server, tmp_path) as step:
        with pytest.raises(mcpool.CallOutcomeUnknown, match="broke the connection"):
            await asyncio.wait_for(step.call("mcp__web__work", {}), DEADLINE)
    assert server.calls == 1


async def test_a_lost_call_costs_the_others_nothing(tmp_path: Path) -> None:
    """Invariant 9: the link lives on, and what else is under way on it ends as if nothing had happened."""
    lost = asyncio.Event()

    async def on_call(asked: Asked) -> None:
        if asked.message["params"]["arguments"].get("break"):
            asked.writer.transport.abort()
            return
        await lost.wait()
        await asked.result(DONE)

    server = Server(on_call)
    async with step_on(server, tmp_path) as step:
        other = asyncio.create_task(step.call("mcp__web__work", {}))
        with pytest.raises(mcpool.CallOutcomeUnknown):
            await asyncio.wait_for(step.call("mcp__web__work", {"break": True}), DEADLINE)
        lost.set()
        result = await asyncio.wait_for(other, DEADLINE)
    assert result.for_model() == "done"
    assert server.sessions == 1


async def test_a_question_on_a_calls_stream_reaches_whoever_made_the_call(tmp_path: Path) -> None:
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}

    async def on_call(asked: Asked) -> None:
        await asked.open_stream()
        params = {"message": "who?", "requestedSchema": schema}
        await asked.event({"jsonrpc": "2.0", "id": 77, "method": "elicitation/create", "params": params})
        answer = await asyncio.wait_for(answered, DEADLINE)
        text = answer["result"]["content"]["name"]
        await asked.event(
            {"jsonrpc": "2.0", "id": asked.message["id"], "result": {"content": [{"type": "text", "text": text}]}}
        )
        asked.hang_up()

    class Asking(Server):
        async def __call__(self, asked: Asked) -> None:
            if asked.method == "POST" and asked.message.get("id") == 77:
                answered.set_result(asked.message)
            await super().__call__(asked)

    async def on_elicit(elicitation: mcpool.Elicitation) -> mcpool.ElicitAnswer:
        return mcpool.ElicitAnswer("accept", {"name": "Ada"})

    async with step_on(Asking(on_call), tmp_path, on_elicit=on_elicit) as step:
        result = await asyncio.wait_for(step.call("mcp__web__work", {}), DEADLINE)
    assert result.for_model() == "Ada"
