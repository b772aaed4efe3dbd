"""The bundled demo server, as the official SDK's client and a bare pipe see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import anyio
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters

Mode = Literal["auto", "legacy", "2026-07-28"]


@pytest.fixture(params=["auto", "legacy", "2026-07-28"])
def mode(request: pytest.FixtureRequest) -> Mode:
    return request.param


@pytest.fixture
def client(mode: Mode, tmp_path: Path) -> Client:
    """Not connected yet: the SDK wants its client entered and left by one task."""
    (tmp_path / "notes.txt").write_text("one\ntwo needles\n")
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcpool.demo"], cwd=tmp_path)
    return Client(server, mode=mode)


async def test_each_mode_gets_the_newest_revision_of_its_era(client: Client, mode: Mode):
    async with client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")


async def test_the_tools_are_listed_with_their_annotations_and_schemas(client: Client):
    async with client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"clock", "counter", "search", "slow"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema is not None
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is (tool.name != "counter")


async def test_a_tool_answers_by_its_output_schema(client: Client):
    async with client:
        for name, arguments in (("clock", {}), ("counter", {"add": 1}), ("search", {"text": "needle"})):
            result = await client.call_tool(name, arguments)
            assert not result.is_error


async def test_the_search_works_in_the_servers_folder(client: Client):
    async with client:
        result = await client.call_tool("search", {"text": "needle"})
        assert result.structured_content == {
            "matches": [{"file": "notes.txt", "line": 2, "text": "two needles"}],
            "files": 1,
            "complete": True,
        }


async def test_slow_work_reports_its_progress(client: Client):
    async with client:
        seen: list[tuple[float, float | None]] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            assert message is not None
            seen.append((progress, total))

        await client.call_tool("slow", {"seconds": 0, "steps": 3}, progress_callback=on_progress)
        assert seen == [(1, 3), (2, 3), (3, 3)]


async def test_cancelling_slow_work_leaves_the_server_serving(client: Client):
    async with client:
        started = anyio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            started.set()

        async with anyio.create_task_group() as group:

            async def call() -> None:
                await client.call_tool("slow", {"seconds": 10, "steps": 100}, progress_callback=on_progress)

            group.start_soon(call)
            await started.wait()
            group.cancel_scope.cancel()
        assert not (await client.call_tool("counter", {})).is_error


async def test_the_resource_and_the_prompt_can_be_had(client: Client):
    async with client:
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(resource.uri)).contents
        assert isinstance(content, types.TextResourceContents)
        assert "demo server" in content.text
        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.arguments is not None
        got = await client.get_prompt(prompt.name, {"topic": "time"})
        assert got.messages[0].role == "user"


def test_the_server_imports_nothing_heavy_to_start():
    code = "import sys, mcpool.demo.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "mcp", "pydantic", "msgspec", "zoneinfo", "concurrent.futures"} & set(loaded)


def test_it_ends_quietly_when_nobody_reads():
    with subprocess.Popen(
        [sys.executable, "-m", "mcpool.demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        process.stdin.flush()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
