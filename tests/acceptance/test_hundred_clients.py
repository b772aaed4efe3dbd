"""A hundred clients of one process: no answer goes astray, and what one of them does touches nobody else (P1)."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Literal

import pytest

from gatewaykit import raw_server
from gatewaykit.http_client import HttpClient, Response
from gatewaykit.waiting import until
from support.mcpool_home import McpoolHome
from support.sdk_clients import Mode, by_url, text

CALLS = 100
"""Of each client: 10,000 in all."""

Leaving = Literal["cancels", "ends its session", "hangs up"]
LEAVING: tuple[Leaving, ...] = ("cancels", "ends its session", "hangs up")
MODES: tuple[Mode, ...] = ("legacy", "2026-07-28")

TOKEN = {"progressToken": "same"}
"""Used by every raw client at any time."""


@pytest.fixture
def daemon(mcpool: McpoolHome) -> McpoolHome:
    """A daemon with one server, to which callers are no more than what they say."""
    mcpool.configure_servers(raw={"command": sys.executable, "args": ["-I", "-S", raw_server.__file__], "cwd": "/"})
    mcpool.up().ready()
    return mcpool


class Kept(HttpClient):
    """Keeps to one connection, on which it has one request at a time."""

    _connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def raw(self, data: bytes) -> Response:
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self.port)
            self._open.append(Response(*self._connection))
        response = Response(*self._connection)
        self._connection[1].write(data)
        await response.read_head()
        return response


def raw_client(daemon: McpoolHome) -> Kept:
    """A client with the daemon's default token."""
    port = daemon.port()
    return Kept(port, "/mcp/raw", token=daemon.token())


async def ask(client: HttpClient, mode: Mode, name: str, arguments: object, id: object) -> Response:
    """Call a tool in the revision of the client's kind."""
    params = {"name": name, "arguments": arguments}
    if mode == "legacy":
        return await client.call("tools/call", {**params, "_meta": TOKEN}, id=id)
    return await client.modern("tools/call", params, meta=TOKEN, id=id)


def kind(turn: int) -> str:
    """Every tenth call is one that reports progress."""
    return "progress" if turn % 10 == 0 else "echo"


async def raw_calls(daemon: McpoolHome, mode: Mode, number: int) -> list[object]:
    """Make all calls of a raw client; returns what was wrong."""
    wrong: list[object] = []
    async with raw_client(daemon) as client:
        if mode == "legacy":
            await client.initialize()
        for turn in range(CALLS):
            mine = {"client": number, "turn": turn}
            response = await ask(client, mode, kind(turn), mine, id=turn)
            messages = await response.messages() if response.is_stream else [await response.json()]
            answer, reports = messages[-1], messages[:-1]
            if answer["id"] != turn or json.loads(answer["result"]["content"][0]["text"]) != mine:
                wrong.append(answer)
            wrong += [
                report
                for report in reports
                if report["params"]["progressToken"] != "same" or json.loads(report["params"]["message"]) != mine
            ]
            if kind(turn) == "progress" and not reports:
                wrong.append(f"no progress for {mine}")
    return wrong


async def official_calls(daemon: McpoolHome, mode: Mode, number: int) -> list[object]:
    """The same with the official client."""
    wrong: list[object] = []
    heard: list[Any] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(json.loads(message or "null"))

    async with by_url(daemon, "raw", mode) as client:
        for turn in range(CALLS):
            mine = {"client": number, "turn": turn}
            callback = note if kind(turn) == "progress" else None
            answer = text(await client.call_tool(kind(turn), mine, progress_callback=callback))
            if json.loads(answer) != mine:
                wrong.append(answer)
    assert heard
    return wrong + [said for said in heard if said["client"] != number]


@pytest.mark.timeout(240)
async def test_ten_thousand_calls_with_equal_ids_and_progress_tokens_have_no_wrong_answer(daemon: McpoolHome) -> None:
    """Clients of both eras, ours and the official one. The raw ones of 2026-07-28 are even one thread: one token."""
    clients = [
        (official_calls if number < 50 else raw_calls)(daemon, MODES[number % 2], number) for number in range(100)
    ]
    wrong = await asyncio.gather(*clients)
    assert [one for some in wrong for one in some] == []
    (row,) = daemon.status()["servers"]
    assert (row["generation"], row["restarts"], row["in_flight"]) == (1, 0, 0)


async def test_what_clients_cancel_or_drop_touches_no_other_call(daemon: McpoolHome) -> None:
    """All 60 calls have the same id: half of them are held while the others are cancelled or their clients leave."""
    begun = asyncio.Event()
    async with raw_client(daemon) as witness, asyncio.TaskGroup() as tasks:
        await witness.initialize()
        held = [tasks.create_task(hold(daemon, mode, number)) for number in range(15) for mode in MODES]
        leaving = [tasks.create_task(leave(daemon, begun, how)) for _ in range(10) for how in LEAVING]

        async def number(name: str) -> int:
            said = await witness.result("tools/call", {"name": name, "arguments": {}})
            return json.loads(said["content"][0]["text"])

        async def all_are_in_flight() -> bool:
            (row,) = (await asyncio.to_thread(daemon.status))["servers"]
            return row["in_flight"] == len(held) + len(leaving)

        async def all_who_left_are_cancelled() -> bool:
            return await number("cancelled") == len(leaving)

        await until(all_are_in_flight)
        begun.set()
        await until(all_who_left_are_cancelled)
        assert not [task for task in held if task.done()]
        await witness.result("tools/call", {"name": "release", "arguments": {}})
    for task in held:
        answer, mine = task.result()
        assert json.loads(answer["result"]["content"][0]["text"]) == mine
    (row,) = daemon.status()["servers"]
    assert (row["generation"], row["in_flight"]) == (1, 0)


async def hold(daemon: McpoolHome, mode: Mode, number: int) -> tuple[Any, object]:
    """A call that ends when the test lets it; returns its answer and what that must say."""
    mine = {"client": number, "mode": mode}
    async with raw_client(daemon) as client:
        if mode == "legacy":
            await client.initialize()
        response = await ask(client, mode, "hold", mine, id=1)
        messages = await response.messages() if response.is_stream else [await response.json()]
        return messages[-1], mine


async def leave(daemon: McpoolHome, begun: asyncio.Event, how: Leaving) -> None:
    """A call that its client gives up on once it has begun."""
    mode: Mode = "2026-07-28" if how == "hangs up" else "legacy"
    async with raw_client(daemon) as client, raw_client(daemon) as second:
        if mode == "legacy":
            await client.initialize()
            second.session, second.version = client.session, client.version
        call = asyncio.create_task(ask(client, mode, "wait", {}, id=1))
        try:
            await begun.wait()
            if how == "cancels":
                await second.notify("notifications/cancelled", {"requestId": 1})
            elif how == "ends its session":
                assert (await second.request("DELETE")).status < 300
        finally:
            call.cancel()
            await asyncio.wait([call])
