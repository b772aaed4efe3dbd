"""HTTP servers that go, come back, forget us or cut us off, through the library: healed for all callers at once.

Invariant 6 throughout: nothing that was safe to resend is lost, and nothing runs twice that must not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import mcpool
from support.mcp_over_http import Asked, Gathering, McpServer, decoded

DEADLINE = 30.0
CALLERS = 50


@pytest.fixture
async def server() -> AsyncGenerator[McpServer]:
    async with McpServer() as server:
        yield server


@asynccontextmanager
async def step_on(server: McpServer, home: Path, **more: Any) -> AsyncGenerator[mcpool.Step]:
    """A step on a connection that is up."""
    source = {"mcp_servers": {"web": {"url": server.url, **more}}}
    async with mcpool.open(source, home=home) as host, host.thread() as thread, thread.step() as step:
        await call(step, "read", "warm")
        server.ran.clear()
        yield step


async def call(step: mcpool.Step, tool: str, text: str) -> str:
    fields = {"name": b'"%s"' % tool.encode(), "arguments": b'{"text":"%s"}' % text.encode()}
    return decoded(await asyncio.wait_for(step.relay("web", "tools/call", fields), DEADLINE))


async def all_at_once(step: mcpool.Step, tool: str) -> list[str | BaseException]:
    calls: list[Awaitable[str]] = [call(step, tool, f"t{number}") for number in range(CALLERS)]
    return await asyncio.gather(*calls, return_exceptions=True)


TEXTS = [f"t{number}" for number in range(CALLERS)]


@pytest.mark.parametrize("tool", ["read", "write"])
async def test_an_expired_session_is_opened_anew_once_for_fifty_callers(
    server: McpServer, tmp_path: Path, tool: str
) -> None:
    """404 says that nothing ran: every call is sent once more, whatever its tool does."""
    async with step_on(server, tmp_path) as step:
        server.expire()
        assert await all_at_once(step, tool) == TEXTS
    assert server.initializations == 2
    assert server.ran == dict.fromkeys(TEXTS, 1)


async def test_a_session_that_expires_under_fifty_calls_on_their_way_loses_none(
    server: McpServer, tmp_path: Path
) -> None:
    """All fifty are out when the first answer says that the session is gone."""
    refusing = Gathering(CALLERS)

    async def refuse(asked: Asked, text: str) -> bool:
        if asked.headers["mcp-session-id"] != "s1":
            return False
        await refusing()
        await asked.reply(404)
        return True

    async with step_on(server, tmp_path) as step:
        server.before = refuse
        assert await all_at_once(step, "write") == TEXTS
    assert server.initializations == 2
    assert server.ran == dict.fromkeys(TEXTS, 1)


async def test_a_restart_on_the_same_address_between_calls_is_not_noticed(server: McpServer, tmp_path: Path) -> None:
    async with step_on(server, tmp_path) as step:
        await server.stop()
        await server.start()
        assert await all_at_once(step, "write") == TEXTS
    assert server.initializations == 2
    assert server.ran == dict.fromkeys(TEXTS, 1)


async def test_a_restart_under_fifty_read_only_calls_answers_them_all(server: McpServer, tmp_path: Path) -> None:
    restarting = asyncio.Event()

    async def hold(asked: Asked, text: str) -> bool:
        await gathering()
        return True

    async def restart() -> None:
        restarting.set()

    gathering = Gathering(CALLERS, restart)
    async with step_on(server, tmp_path) as step:
        server.before = hold
        calls = asyncio.create_task(all_at_once(step, "read"))
        await asyncio.wait_for(restarting.wait(), DEADLINE)
        server.before = None
        await server.stop()
        await server.start()
        assert await calls == TEXTS
    assert server.initializations == 2


async def test_a_restart_under_fifty_writing_calls_runs_none_twice(server: McpServer, tmp_path: Path) -> None:
    ran = asyncio.Event()

    async def hold(asked: Asked, text: str) -> bool:
        await gathering()
        await asyncio.Event().wait()
        return True

    async def all_ran() -> None:
        ran.set()

    gathering = Gathering(CALLERS, all_ran)
    async with step_on(server, tmp_path) as step:
        server.after = hold
        calls = asyncio.create_task(all_at_once(step, "write"))
        await asyncio.wait_for(ran.wait(), DEADLINE)
        server.after = None
        await server.stop()
        await server.start()
        outcomes = await calls
        assert {type(outcome) for outcome in outcomes} == {mcpool.CallOutcomeUnknown}
        assert await call(step, "write", "next") == "next"
    assert server.ran == dict.fromkeys([*TEXTS, "next"], 1)
    assert server.initializations == 2


@pytest.mark.parametrize(("tool", "outcome", "times"), [("read", "x", 2), ("write", None, 1)])
async def test_a_connection_cut_after_the_work_and_before_the_answer(
    server: McpServer, tmp_path: Path, tool: str, outcome: str | None, times: int
) -> None:
    async def cut(asked: Asked, text: str) -> bool:
        server.after = None
        asked.writer.transport.abort()
        return True

    async with step_on(server, tmp_path) as step:
        server.after = cut
        if outcome is None:
            with pytest.raises(mcpool.CallOutcomeUnknown):
                await call(step, tool, "x")
        else:
            assert await call(step, tool, "x") == outcome
    assert server.ran["x"] == times


async def test_a_server_that_refuses_for_a_while_is_waited_for(server: McpServer, tmp_path: Path) -> None:
    """Connections are refused, and what was asked meanwhile is answered when it is back, in one session."""
    async with step_on(server, tmp_path) as step:
        await server.stop()
        calls = asyncio.create_task(all_at_once(step, "write"))
        await asyncio.sleep(5.0)  # the time itself is what is asked for: refused for 5 s, then back
        await server.start()
        assert await calls == TEXTS
    assert server.initializations == 2
    assert server.ran == dict.fromkeys(TEXTS, 1)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_asks_to_come_again_later_is_asked_again_once(
    server: McpServer, tmp_path: Path, status: int
) -> None:
    async def later(asked: Asked, text: str) -> bool:
        server.before = None
        await asked.reply(status, extra=(("Retry-After", "0"),))
        return True

    async with step_on(server, tmp_path) as step:
        server.before = later
        assert await call(step, "write", "x") == "x"
    assert server.ran["x"] == 1
    assert server.initializations == 1
