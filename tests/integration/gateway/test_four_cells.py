"""Clients of both eras, the official SDK's, in front of real servers of both eras: each can be asked all there is.

A server gets the same answers in every cell, and its tool runs once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gatewaykit.asked_place import CELLS, CLIENTS, Cell, Place, User, asked_place, text_of, told
from gatewaykit.sdk_client import Mode, Way

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
every_way = pytest.mark.parametrize("way", ["http", "stream"])


@pytest.fixture
def key(request: pytest.FixtureRequest) -> dict[str, str]:
    """The arguments under which a tool counts how often it ran for this test."""
    return {"key": request.node.nodeid}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with asked_place(tmp_path_factory.mktemp("home")) as place:
        yield place


@every_way
@every_cell
@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_form(place: Place, way: Way, cell: Cell, action: str, key: dict[str, str]) -> None:
    user = User(action=action)
    async with place.client(way, cell, user) as client:
        answer = told(await client.call_tool("form", key))
    data = {"data": {"name": "Ada"}} if action == "accept" else {}
    assert answer == {"answer": {"action": action, **data}, "runs": 1}
    assert [question.message for question in user.asked] == ["Who?"]


@every_way
@every_cell
@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_url(place: Place, way: Way, cell: Cell, action: str, key: dict[str, str]) -> None:
    user = User(action=action)
    async with place.client(way, cell, user) as client:
        assert told(await client.call_tool("url", key)) == {"answer": action, "runs": 1}
    assert [question.url for question in user.asked] == ["https://example.test/sign-in"]


@every_way
@every_cell
async def test_sampling(place: Place, way: Way, cell: Cell, key: dict[str, str]) -> None:
    user = User()
    async with place.client(way, cell, user) as client:
        assert told(await client.call_tool("sample", key)) == {"answer": "Paris", "runs": 1}
    assert [question.max_tokens for question in user.asked] == [10]


@every_way
@pytest.mark.parametrize("mode", CLIENTS)
async def test_roots(place: Place, way: Way, mode: Mode, key: dict[str, str]) -> None:
    """A server of the handshake era is told those of its thread, and never asks for others."""
    from mcp_types import ListRootsResult, Root

    async def roots(context: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///srv/repo")])  # type: ignore[arg-type]

    async with place.client(way, (mode, "modern"), list_roots_callback=roots) as client:
        assert told(await client.call_tool("folders", key)) == {"answer": ["file:///srv/repo"], "runs": 1}


@every_way
@every_cell
async def test_one_question_after_the_other(place: Place, way: Way, cell: Cell, key: dict[str, str]) -> None:
    user = User()
    async with place.client(way, cell, user) as client:
        answer = told(await client.call_tool("rounds", key))
    assert answer == {"answer": {"action": "accept", "data": {"age": 36}}, "runs": 1}
    assert len(user.asked) == 2


@every_way
@every_cell
async def test_two_questions_at_once(place: Place, way: Way, cell: Cell, key: dict[str, str]) -> None:
    user = User(action="decline")
    async with place.client(way, cell, user) as client:
        assert told(await client.call_tool("both", key)) == {"answer": ["decline", "decline"], "runs": 1}
    assert len(user.asked) == 2


@every_cell
async def test_progress_after_an_answer(place: Place, cell: Cell, key: dict[str, str]) -> None:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with place.client("http", cell, User()) as client:
        await client.call_tool("report", key, progress_callback=note)
    assert seen == [1]


@every_way
@every_cell
async def test_client_that_cannot_be_asked(place: Place, way: Way, cell: Cell, key: dict[str, str]) -> None:
    from mcp import MCPError

    async with place.client(way, cell) as client:
        try:
            said = text_of((await client.call_tool("form", key)).content)
        except MCPError as error:
            said = error.message
        assert "cannot be asked to fill in a form" in said or "did not declare" in said, said
        assert not (await client.call_tool("plain", {})).is_error


@pytest.mark.parametrize("mode", CLIENTS)
async def test_prompts_and_resources_of_a_handshake_server(place: Place, mode: Mode) -> None:
    async with place.client("http", (mode, "handshake"), User(action="decline")) as client:
        prompt = await client.get_prompt("greeting")
        page = await client.read_resource("page://7")
    assert text_of([prompt.messages[0].content]) == "Greet decline"
    assert text_of(page.contents) == "7: decline"


@pytest.mark.parametrize("mode", CLIENTS)
async def test_server_of_both_eras_that_asks_as_the_older_one_does(place: Place, mode: Mode) -> None:
    async with place.client("http", (mode, "pinned"), User(action="decline")) as client:
        page = await client.read_resource("page://7")
    assert text_of(page.contents) == "7: decline"


@every_cell
async def test_many_calls_at_once_are_asked_and_answered_each(place: Place, cell: Cell, key: dict[str, str]) -> None:
    """Each in its turn, or in a process of the overflow: no answer, and no question, goes astray."""
    users = [User(action=action) for action in ("accept", "decline", "cancel") * 2]

    async def one(user: User) -> Any:
        async with place.client("http", cell, user) as client:
            return told(await client.call_tool("form", key))["answer"]["action"]

    async with place.client("http", cell, User()) as client:
        await client.call_tool("form", key)
    answers = await asyncio.gather(*(one(user) for user in users))
    assert answers == [user.answer["action"] for user in users]
    assert all(len(user.asked) == 1 for user in users)
