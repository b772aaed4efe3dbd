"""Servers from the registries through the daemon: by URL and by shim, for clients of both eras."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mcp_types import LoggingMessageNotificationParams, PromptReference

from support.known_servers import git_server, installed, npm, time_server
from support.mcpool_home import McpoolHome
from support.sdk_clients import DOORS, Door, text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the servers work on."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "note.txt").write_text("remember the milk")
    return folder


@pytest.fixture(scope="module")
def mcpool(folder: Path) -> Iterator[McpoolHome]:
    """A daemon with all of them; those of npm only where they are installed."""
    memory = {"MEMORY_FILE_PATH": str(folder / "memory.json")}
    of_npm: dict[str, dict[str, Any]] = {
        "everything": {},
        "filesystem": {"args": [str(folder)]},
        "memory": {"env": memory},
    }
    known = {"git": git_server(folder / "repository"), "time": time_server()}
    for name, settings in of_npm.items():
        if installed(f"mcp-server-{name}"):
            known[name] = {"command": npm(f"mcp-server-{name}"), "cwd": str(folder), **settings}
    with closing(McpoolHome(folder / "home", config=None)) as mcpool:
        mcpool.configure_servers(**known)
        mcpool.up().ready()
        yield mcpool


@pytest.fixture(params=DOORS, ids=lambda door: f"{door.way}-{door.mode}")
def door(request: pytest.FixtureRequest) -> Door:
    return request.param


async def test_git(mcpool: McpoolHome, door: Door, folder: Path) -> None:
    async with door.client(mcpool, "git") as client:
        assert "git_log" in {tool.name for tool in (await client.list_tools()).tools}
        log = await client.call_tool("git_log", {"repo_path": str(folder / "repository")})
        assert "the first of many" in text(log)


async def test_time(mcpool: McpoolHome, door: Door) -> None:
    async with door.client(mcpool, "time") as client:
        arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
        assert "21:00" in text(await client.call_tool("convert_time", arguments))


async def test_filesystem(mcpool: McpoolHome, door: Door, folder: Path) -> None:
    npm("mcp-server-filesystem")
    async with door.client(mcpool, "filesystem") as client:
        found = await client.call_tool("read_text_file", {"path": str(folder / "note.txt")})
        assert "remember the milk" in text(found)


async def test_memory(mcpool: McpoolHome, door: Door) -> None:
    npm("mcp-server-memory")
    name = f"Ada by {door.way} in {door.mode}"
    async with door.client(mcpool, "memory") as client:
        entity = {"name": name, "entityType": "person", "observations": ["came in by this door"]}
        await client.call_tool("create_entities", {"entities": [entity]})
        assert name in text(await client.call_tool("read_graph", {}))


async def test_everything_has_tools_resources_and_prompts(mcpool: McpoolHome, door: Door) -> None:
    npm("mcp-server-everything")
    async with door.client(mcpool, "everything") as client:
        assert (await client.list_tools()).tools
        assert "hi there" in text(await client.call_tool("echo", {"message": "hi there"}))
        resources = (await client.list_resources()).resources
        assert (await client.read_resource(str(resources[0].uri))).contents
        assert (await client.list_resource_templates()).resource_templates
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert "simple-prompt" in prompts
        assert (await client.get_prompt("simple-prompt")).messages


async def test_everything_completes(mcpool: McpoolHome, door: Door) -> None:
    npm("mcp-server-everything")
    async with door.client(mcpool, "everything") as client:
        prompt = PromptReference(name="completable-prompt")
        completed = await client.complete(prompt, {"name": "department", "value": "E"})
        assert completed.completion.values == ["Engineering"]
        given = {"department": "Engineering"}
        completed = await client.complete(prompt, {"name": "name", "value": "B"}, given)
        assert completed.completion.values == ["Bob"]


async def test_everything_reports_progress(mcpool: McpoolHome, door: Door) -> None:
    npm("mcp-server-everything")
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with door.client(mcpool, "everything") as client:
        arguments = {"duration": 0.4, "steps": 4}
        text(await client.call_tool("trigger-long-running-operation", arguments, progress_callback=note))
    assert seen == [1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:The logging capability is deprecated")
async def test_everything_logs(mcpool: McpoolHome, door: Door) -> None:
    npm("mcp-server-everything")
    logged = asyncio.Event()

    async def note(params: LoggingMessageNotificationParams) -> None:
        logged.set()

    modern = door.mode == "2026-07-28"
    level: dict[str, Any] = {"log_level": "debug"} if modern else {}
    async with door.client(mcpool, "everything", logging_callback=note, **level) as client:
        if not modern:
            await client.set_logging_level("debug")  # pyright: ignore[reportDeprecated]
        await client.call_tool("toggle-simulated-logging", {})  # logs once at once
        async with asyncio.timeout(20):
            await logged.wait()
        await client.call_tool("toggle-simulated-logging", {})


async def test_all_servers_under_one_roof(mcpool: McpoolHome, door: Door) -> None:
    async with door.client(mcpool) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        servers = {row["name"] for row in mcpool.status()["servers"]}
        assert {name.partition("__")[0] for name in names} == servers
        arguments = {"timezone": "UTC"}
        assert json.loads(text(await client.call_tool("time__get_current_time", arguments)))["timezone"] == "UTC"


def test_each_of_them_was_one_process_for_all_doors(mcpool: McpoolHome) -> None:
    """P1. Runs last: the daemon is the module's."""
    rows = mcpool.status()["servers"]
    assert {row["name"] for row in rows if not row["pid"]} == set()
    assert len(rows) == len({row["name"] for row in rows}), [row["why"] for row in rows]
    assert {row["restarts"] for row in rows} == {0}
