"""A stream that breaks off before the answer: taken up again by Last-Event-ID where the server offers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import mcpool
from support.mcp_over_http import Asked, McpServer, decoded

DEADLINE = 30.0
PRIMED = b"id: e1\nretry: 1\n"
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "at work"}}


class Resumable(McpServer):
    """Runs calls, breaks off before each answer, and keeps the answer for whoever comes for it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, object] = {}
        self.resumed: list[str | None] = []
        self.after = self._break_off

    async def _break_off(self, asked: Asked, text: str) -> bool:
        content = {"content": [{"type": "text", "text": text}]}
        self.kept = {"jsonrpc": "2.0", "id": asked.message["id"], "result": content}
        await asked.open_stream()
        await asked.event(NOTE, PRIMED)
        asked.hang_up()
        return True


@pytest.fixture
async def server() -> AsyncGenerator[Resumable]:
    async with Resumable() as server:
        yield server


@asynccontextmanager
async def step_on(server: McpServer, home: Path) -> AsyncGenerator[mcpool.Step]:
    source = {"mcp_servers": {"web": {"url": server.url}}}
    async with mcpool.open(source, home=home) as host, host.thread() as thread, thread.step() as step:
        yield step


async def write(step: mcpool.Step) -> str:
    fields = {"name": b'"write"', "arguments": b'{"text":"x"}'}
    return decoded(await asyncio.wait_for(step.relay("web", "tools/call", fields), DEADLINE))


async def test_the_answer_comes_on_the_resumed_stream_and_the_call_runs_once(server: Resumable, tmp_path: Path) -> None:
    async def resume(asked: Asked) -> None:
        server.resumed.append(asked.headers.get("last-event-id"))
        if server.resumed[-1] is None:
            await asked.reply(405)  # the general stream, which this server does not have
            return
        await asked.open_stream()
        await asked.event(server.kept, b"id: e2\n")
        asked.hang_up()

    server.on_get = resume
    async with step_on(server, tmp_path) as step:
        assert await write(step) == "x"
    assert server.ran["x"] == 1
    assert [id_ for id_ in server.resumed if id_ is not None] == ["e1"]
    assert server.initializations == 1


async def test_a_stream_that_cannot_be_resumed_is_given_up_after_two_attempts(
    server: Resumable, tmp_path: Path
) -> None:
    async def refuse(asked: Asked) -> None:
        server.resumed.append(asked.headers.get("last-event-id"))
        await asked.reply(405)

    server.on_get = refuse
    async with step_on(server, tmp_path) as step:
        with pytest.raises(mcpool.CallOutcomeUnknown, match="without an answer"):
            await write(step)
    assert server.ran["x"] == 1
    assert [id_ for id_ in server.resumed if id_ is not None] == ["e1", "e1"]


async def test_a_session_that_is_gone_when_the_stream_is_resumed_leaves_the_outcome_unknown(
    server: Resumable, tmp_path: Path
) -> None:
    """404 to the attempt says nothing of the call, which ran: it is not sent again."""

    async def forget(asked: Asked) -> None:
        await asked.reply(405 if asked.headers.get("last-event-id") is None else 404)

    server.on_get = forget
    async with step_on(server, tmp_path) as step:
        with pytest.raises(mcpool.CallOutcomeUnknown):
            await write(step)
    assert server.ran["x"] == 1
