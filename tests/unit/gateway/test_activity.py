"""Whether anybody uses the daemon."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpool.gateway.activity import Activity, Receive, Scope, Send


async def test_unused_it_is_idle_after_the_time_given() -> None:
    await Activity().idle_for(0)


async def test_while_used_it_is_never_idle() -> None:
    activity = Activity()
    with activity.use(), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await activity.idle_for(0)


async def test_it_is_idle_again_when_the_last_user_has_left() -> None:
    activity = Activity()
    waiting = asyncio.create_task(activity.idle_for(0.001))
    with activity.use():
        with activity.use():
            await asyncio.sleep(0)
        assert activity.clients == 1
    await waiting


@pytest.mark.parametrize(("path", "counted"), [("/mcp", 1), ("/mcp/git", 1), ("/health", 0)])
async def test_mcp_requests_count_and_health_checks_do_not(path: str, counted: int) -> None:
    activity = Activity()
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(activity.clients)

    async def nothing(*arguments: Any) -> Any:
        return {}

    await activity.watching(app)({"type": "http", "path": path}, nothing, nothing)
    assert seen == [counted]
