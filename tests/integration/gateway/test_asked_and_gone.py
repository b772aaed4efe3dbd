"""Clients, and servers, that go away in the middle of a question: the official SDK's, for real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatewaykit.asked_place import Place, User, asked_place, told
from gatewaykit.sdk_client import Mode
from gatewaykit.waiting import until
from mcpool.gateway.limits import Limits

BOTH: tuple[Mode, ...] = ("legacy", "2026-07-28")


class Away(User):
    """Is asked, and gives no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()
        self.asked_now = False

    async def elicit(self, context: object, params: Any) -> Any:
        self.asked_now = True
        self.came.set()
        try:
            return await asyncio.Event().wait()
        finally:
            self.asked_now = False


class After(User):
    """Lets something happen, and answers its first question when the server has nothing to do any more."""

    def __init__(self, place: Place, go: Path) -> None:
        super().__init__()
        self.place = place
        self.go = go

    async def elicit(self, context: object, params: Any) -> Any:
        if not self.go.exists():
            self.go.touch()
            await until(lambda: idle(self.place))
        return await super().elicit(context, params)


def idle(place: Place) -> bool:
    return all(health.in_flight == 0 for health in place.host.health())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with asked_place(tmp_path / "home") as place:
        yield place


async def test_legacy_client_that_cancels_while_it_is_asked_by_an_old_server(place: Place, tmp_path: Path) -> None:
    user, mark = Away(), tmp_path / "mark"
    async with place.client("http", ("legacy", "handshake"), user) as client:
        calling = asyncio.create_task(client.call_tool("idle", {"mark": str(mark)}))
        await user.came.wait()
        calling.cancel()
        await until(mark.exists)
        await asyncio.wait([calling])
        await client.list_tools()  # so all that was said of the call has come


async def test_legacy_client_that_cancels_while_it_is_asked_by_a_new_server(place: Place) -> None:
    user = Away()
    async with place.client("http", ("legacy", "modern"), user) as client:
        calling = asyncio.create_task(client.call_tool("form", {"key": "1"}))
        await user.came.wait()
        calling.cancel()
        await until(lambda: not user.asked_now)
        await asyncio.wait([calling])
        await client.list_tools()


async def test_new_client_that_goes_away_while_it_is_asked_by_an_old_server(tmp_path: Path) -> None:
    """Nobody is told of that: the call ends when its time is over."""
    user, mark = Away(), tmp_path / "mark"
    async with asked_place(tmp_path / "home", Limits(parked_timeout=0.2)) as place:
        async with place.client("http", ("2026-07-28", "handshake"), user) as client:
            calling = asyncio.create_task(client.call_tool("idle", {"mark": str(mark)}))
            await user.came.wait()
            calling.cancel()
            await asyncio.wait([calling])
        await until(mark.exists)


async def test_new_client_that_answers_an_old_server_and_goes_away_cancels_the_call(
    place: Place, tmp_path: Path
) -> None:
    user, mark = User(), tmp_path / "mark"
    async with place.client("http", ("2026-07-28", "handshake"), user) as client:
        calling = asyncio.create_task(client.call_tool("idle", {"mark": str(mark)}))
        await until((tmp_path / "mark.answered").exists)  # so the request that brought the answer is under way
        calling.cancel()
        await until(mark.exists)
        await asyncio.wait([calling])


@pytest.mark.parametrize("mode", BOTH)
async def test_old_server_that_takes_its_question_back(place: Place, mode: Mode, tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with place.client("http", (mode, "handshake"), After(place, go)) as client:
        result = told(await client.call_tool("withdraw", {"key": "1", "go": str(go)}))
    assert result == {"answer": "withdrawn", "runs": 1}


@pytest.mark.parametrize("mode", BOTH)
async def test_old_server_that_dies_while_it_waits_for_an_answer(place: Place, mode: Mode, tmp_path: Path) -> None:
    from mcp import MCPError

    go = tmp_path / "go"
    async with place.client("http", (mode, "handshake"), After(place, go)) as client:
        with pytest.raises(MCPError, match="may or may not have run") as caught:
            await client.call_tool("die", {"go": str(go)})
        assert caught.value.code == -32011
        assert told(await client.call_tool("form", {"key": "1"}))["runs"] == 1


async def test_end_of_the_gateway_ends_what_waits_for_answers(place: Place, tmp_path: Path) -> None:
    user, mark = Away(), tmp_path / "mark"
    async with place.client("http", ("2026-07-28", "handshake"), user) as client:
        calling = asyncio.create_task(client.call_tool("idle", {"mark": str(mark)}))
        await user.came.wait()
        await place.gateway.close()
        await until(mark.exists)
        calling.cancel()
        await asyncio.wait([calling])
