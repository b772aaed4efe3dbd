"""Our session against the official SDK's server over pipes, in both eras."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpool.errors import RpcError
from mcpool.wire.lost import ConnectionLost

if TYPE_CHECKING:
    from integration.wire.conftest import Connect, Connected
    from mcpool.wire.call import Call
    from mcpool.wire.session import Era

TIMEOUT = 60.0


def tool(connected: Connected, name: str, sink: Any = None, progress: bool = False, **arguments: Any) -> Call:
    fields = {"name": json.dumps(name).encode(), "arguments": json.dumps(arguments).encode()}
    return connected.session.call("tools/call", fields, sink=sink, progress=progress)


async def text_of(call: Call) -> str:
    async with asyncio.timeout(TIMEOUT):
        return json.loads(await call.future)["content"][0]["text"]


@pytest.mark.parametrize(
    ("remembered", "era", "version"),
    [
        (None, "modern", "2026-07-28"),
        ("modern", "modern", "2026-07-28"),
        ("handshake", "handshake", "2025-11-25"),
    ],
)
async def test_the_remembered_era_is_spoken(connect: Connect, remembered: Era | None, era: Era, version: str) -> None:
    session = (await connect(remembered=remembered)).session

    assert (session.era, session.version) == (era, version)
    assert session.server_info["name"] == "sdk-server"
    assert session.instructions == "be kind"
    assert "tools" in session.capabilities


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_tools_are_listed_and_called(connect: Connect, era: Era) -> None:
    connected = await connect(remembered=era)

    tools = await connected.session.list_all("tools/list", "tools", timeout=TIMEOUT)
    answers = [tool(connected, "echo", text=f"hello\n{n}") for n in range(100)]

    assert [json.loads(raw)["name"] for raw in tools] == ["echo", "large", "slow", "ask", "change", "die"]
    assert [await text_of(answer) for answer in answers] == [f"hello\n{n}" for n in range(100)]
    assert connected.garbage == []


async def test_a_large_result_of_other_than_ascii_arrives_whole(connect: Connect) -> None:
    connected = await connect(remembered="modern")

    assert await text_of(tool(connected, "large", size=3_000_000)) == "é" * 3_000_000


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_progress_reaches_the_sink_of_its_call(connect: Connect, era: Era) -> None:
    connected = await connect(remembered=era)
    heard: list[float] = []

    class Hearer:
        def on_notification(self, method: str, params: bytes | None) -> None:
            heard.append(json.loads(params or b"")["progress"])

    assert await text_of(tool(connected, "slow", sink=Hearer(), progress=True)) == "done"
    assert heard == [0, 1, 2]


async def test_a_question_of_a_handshake_server_is_answered(connect: Connect) -> None:
    connected = await connect(remembered="handshake")
    call = tool(connected, "ask")

    async with asyncio.timeout(TIMEOUT):
        question = await connected.requests.get()
    assert question.method == "elicitation/create"
    assert question.id is not None
    connected.engine.respond(question.id, b'{"action":"accept","content":{"name":"Ada"}}')

    assert json.loads(await text_of(call))["data"] == {"name": "Ada"}


async def test_an_unknown_tool_is_the_server_s_error(connect: Connect) -> None:
    connected = await connect()

    with pytest.raises(RpcError):
        async with asyncio.timeout(TIMEOUT):
            await connected.session.request("no/such/method", timeout=TIMEOUT)


async def test_a_modern_server_tells_listeners_of_changes(connect: Connect) -> None:
    connected = await connect(remembered="modern")
    changes: asyncio.Queue[str] = asyncio.Queue()

    subscription = await connected.session.listen(
        {"toolsListChanged": True}, lambda method, params: changes.put_nowait(method), timeout=TIMEOUT
    )
    await text_of(tool(connected, "change"))

    async with asyncio.timeout(TIMEOUT):
        assert await changes.get() == "notifications/tools/list_changed"
    assert subscription.honoured == {"toolsListChanged": True}
    subscription.close()


async def test_a_server_that_dies_in_a_call_leaves_its_outcome_unknown(connect: Connect) -> None:
    connected = await connect(remembered="modern")

    with pytest.raises(ConnectionLost) as caught:
        await text_of(tool(connected, "die"))

    assert caught.value.sent
    after = tool(connected, "echo", text="?")
    with pytest.raises(ConnectionLost) as unsent:
        await after.future
    assert not unsent.value.sent


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_living_server_passes_the_check(connect: Connect, era: Era) -> None:
    connected = await connect(remembered=era)

    await connected.session.check(timeout=TIMEOUT)

    assert connected.engine.calls == ()
