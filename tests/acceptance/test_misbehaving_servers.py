"""Servers that misbehave, behind the daemon: their callers get a clear error, and clients of others notice nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import MCPError

from gatewaykit.http_client import HttpClient
from support.mcpool_home import McpoolHome
from support.odd_server import MEGABYTE
from support.real_servers import DEMO, odd
from support.sdk_clients import DOORS, Door, text

# Each way and each revision once: they meet in the same sessions.
pytestmark = pytest.mark.parametrize("door", [DOORS[0], DOORS[3]], ids=lambda door: f"{door.way}-{door.mode}")


@pytest.fixture(scope="module")
def mcpool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpoolHome]:
    """A daemon with servers of every bad habit, and the demo server."""
    folder = tmp_path_factory.mktemp("odd")
    bad: dict[str, Any] = {"cwd": str(folder)}
    habits = {
        "silent": odd(folder / "silent", "silent", startup_timeout_sec=1, **bad),
        "exits": odd(folder / "exits", "exits", **bad),
        "floods": odd(folder / "floods", "floods", startup_timeout_sec=1, max_message_bytes=MEGABYTE, **bad),
        "absent": {"command": "no-such-program-of-mine", **bad},
        "garbage": odd(folder / "garbage", "garbage", **bad),
        "big": odd(folder / "big", **bad),
        "limited": odd(folder / "limited", max_message_bytes=4 * MEGABYTE, **bad),
        "hangs": odd(folder / "hangs", tool_timeout_sec=1, max_message_bytes=MEGABYTE, **bad),
        "demo": {**DEMO, **bad},
    }
    with closing(McpoolHome(folder / "home", config=None)) as mcpool:
        mcpool.configure_servers(**habits)
        mcpool.up().ready()
        yield mcpool


@pytest.fixture
async def bystander(mcpool: McpoolHome) -> AsyncGenerator[None]:
    """A client of the demo server that calls it as long as the test lasts, and wants every answer."""
    port = mcpool.port()
    done = asyncio.Event()
    async with HttpClient(port, "/mcp/demo", token=mcpool.token()) as client:
        await client.initialize()

        async def count() -> list[Any]:
            results: list[Any] = []
            while not done.is_set() or not results:
                results.append(await client.result("tools/call", {"name": "counter", "arguments": {"add": 1}}))
            return results

        counting = asyncio.create_task(count())
        yield
        assert not counting.done()
        done.set()
        values = [result["structuredContent"]["value"] for result in await counting]
    assert values == list(range(values[0], values[0] + len(values)))


async def refusal(mcpool: McpoolHome, door: Door, server: str) -> str:
    """What a client is told that comes for a server that cannot be used."""
    try:
        async with door.client(mcpool, server) as client:
            await client.list_tools()
    except (MCPError, ExceptionGroup) as error:
        return _told(error)
    raise AssertionError("it was not refused")


def _told(error: Exception) -> str:
    """The message of the only MCP error in there."""
    if isinstance(error, ExceptionGroup):
        (inner,) = cast("ExceptionGroup[Exception]", error).exceptions
        return _told(inner)
    assert isinstance(error, MCPError)
    return error.message


@pytest.mark.usefixtures("bystander")
class TestServersThatDoNotStart:
    async def test_one_that_never_answers(self, mcpool: McpoolHome, door: Door) -> None:
        said = await refusal(mcpool, door, "silent")
        assert said.startswith("`silent`: no answer within 1 s to the handshake")
        assert "startup_timeout_sec" in said

    async def test_one_that_exits_at_once(self, mcpool: McpoolHome, door: Door) -> None:
        assert "cannot find my database" in await refusal(mcpool, door, "exits")

    async def test_one_that_floods_its_output(self, mcpool: McpoolHome, door: Door) -> None:
        assert (await refusal(mcpool, door, "floods")).startswith("`floods`: no answer within 1 s")

    async def test_one_whose_program_does_not_exist(self, mcpool: McpoolHome, door: Door) -> None:
        assert "no-such-program-of-mine" in await refusal(mcpool, door, "absent")

    async def test_none_of_them_hides_the_others_under_one_roof(self, mcpool: McpoolHome, door: Door) -> None:
        async with door.client(mcpool) as client:
            names = {tool.name.partition("__")[0] for tool in (await client.list_tools()).tools}
        assert names == {"garbage", "big", "limited", "hangs", "demo"}


@pytest.mark.usefixtures("bystander")
class TestCalls:
    async def test_garbage_between_the_answers_is_skipped(self, mcpool: McpoolHome, door: Door) -> None:
        async with door.client(mcpool, "garbage") as client:
            for _ in range(3):
                assert json.loads(text(await client.call_tool("facts")))["pid"] in mcpool.pids()

    async def test_result_of_thirty_megabytes_arrives(self, mcpool: McpoolHome, door: Door) -> None:
        async with door.client(mcpool, "big") as client:
            assert len(text(await client.call_tool("big", {"megabytes": 30}))) == 30 * MEGABYTE

    async def test_result_over_the_limit_fails_its_call_alone(self, mcpool: McpoolHome, door: Door) -> None:
        async with door.client(mcpool, "limited") as client:
            big, small = await asyncio.gather(
                client.call_tool("big", {"megabytes": 30}), client.call_tool("facts"), return_exceptions=True
            )
            assert "max_message_bytes" in str(big)
            assert not isinstance(small, BaseException)
            pid = json.loads(text(small))["pid"]
            assert json.loads(text(await client.call_tool("facts")))["pid"] == pid

    async def test_call_that_is_never_answered_times_out_alone(self, mcpool: McpoolHome, door: Door) -> None:
        async with door.client(mcpool, "hangs") as client:
            hung, fine = await asyncio.gather(
                client.call_tool("hang"), client.call_tool("facts"), return_exceptions=True
            )
            assert str(hung).startswith("`hangs`: ")
            assert "1 s" in str(hung)
            assert not isinstance(fine, BaseException)

    async def test_call_whose_server_dies_is_not_run_again_and_the_next_one_finds_another(
        self, mcpool: McpoolHome, door: Door
    ) -> None:
        """H8, invariant 6"""
        async with door.client(mcpool, "big") as client:
            before = json.loads(text(await client.call_tool("facts")))["pid"]
            with pytest.raises(Exception, match=r"`big`: it .* after tools/call was sent"):
                await client.call_tool("die")
            assert json.loads(text(await client.call_tool("facts")))["pid"] != before

    async def test_line_that_never_ends_fails_its_call_and_fills_no_memory(
        self, mcpool: McpoolHome, door: Door
    ) -> None:
        daemon = Path(f"/proc/{mcpool.record()['pid']}/status")
        before = _peak(daemon)
        async with door.client(mcpool, "hangs") as client:
            with pytest.raises(Exception, match="`hangs`: "):
                await client.call_tool("flood")
        assert _peak(daemon) < before + 50_000
        assert mcpool.run("reconnect", "hangs").returncode == 0


def _peak(status: Path) -> int:
    """The most memory that the process ever had, in KiB."""
    return int(status.read_text().partition("VmHWM:")[2].split()[0])
