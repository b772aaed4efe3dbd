"""Servers that people use, through the library, as they come from their registries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mcpool
from support.known_servers import git_server, npm, time_server
from support.real_servers import OpenHost, servers


async def called(host: mcpool.Host, name: str, arguments: dict[str, Any], **thread: Any) -> mcpool.ToolResult:
    """The result of one call in a thread of its own."""
    async with host.thread(**thread) as opened:
        for outcome in (await opened.ready()).values():
            assert outcome is None, outcome
        async with opened.step() as step:
            return await step.call(name, arguments)


async def test_server_everything(open_host: OpenHost) -> None:
    host = await open_host(servers(everything={"command": npm("mcp-server-everything")}))
    assert "hi there" in (await called(host, "mcp__everything__echo", {"message": "hi there"})).for_model()
    async with host.thread() as thread, thread.step() as step:
        resources = await step.resources("everything")
        assert resources
        read = await step.read_resource("everything", resources[0]["uri"])
        assert read["contents"]
        assert await step.prompts("everything")


async def test_server_everything_reports_progress(open_host: OpenHost) -> None:
    host = await open_host(servers(everything={"command": npm("mcp-server-everything")}))
    seen: list[float] = []
    async with host.thread() as thread:
        await thread.ready()
        async with thread.step() as step:
            (name,) = [name for name in step.tools if "long" in name]
            await step.call(
                name, {"duration": 1, "steps": 4}, on_progress=lambda done, total, message: seen.append(done)
            )
    assert seen == [1, 2, 3, 4]


async def test_server_filesystem(open_host: OpenHost, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("remember the milk")
    host = await open_host(servers(fs={"command": npm("mcp-server-filesystem"), "args": [str(tmp_path)]}))
    result = await called(host, "mcp__fs__read_text_file", {"path": str(tmp_path / "note.txt")})
    assert "remember the milk" in result.for_model()


async def test_server_filesystem_takes_the_roots_of_its_thread(open_host: OpenHost, tmp_path: Path) -> None:
    """Roots replace its allowed folders, so two root sets are two processes."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "note.txt").write_text(folder.name * 3)
    program = npm("mcp-server-filesystem")
    host = await open_host(servers(fs={"command": program, "args": [str(tmp_path)], "cwd": str(tmp_path)}))
    for folder in folders:
        client = mcpool.ClientFacts(roots=(mcpool.Root(folder.as_uri()),), raw=b'{"roots":{}}')
        # It asks for the roots once it is ready, and takes calls meanwhile.
        allowed = ""
        while str(folder) not in allowed:
            allowed = (await called(host, "mcp__fs__list_allowed_directories", {}, client=client)).for_model()
    assert len(host.status()) == 2


async def test_server_memory(open_host: OpenHost, tmp_path: Path) -> None:
    entry = {"command": npm("mcp-server-memory"), "env": {"MEMORY_FILE_PATH": str(tmp_path / "memory.json")}}
    host = await open_host(servers(memory=entry))
    entity = {"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
    await called(host, "mcp__memory__create_entities", {"entities": [entity]})
    result = await called(host, "mcp__memory__read_graph", {})
    assert "wrote the first program" in result.for_model()


async def test_server_git(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(git=git_server(tmp_path / "repository")))
    result = await called(host, "mcp__git__git_log", {"repo_path": str(tmp_path / "repository")})
    assert "the first of many" in result.for_model()


async def test_server_time(open_host: OpenHost) -> None:
    host = await open_host(servers(time=time_server()))
    arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    result = await called(host, "mcp__time__convert_time", arguments)
    assert "21:00" in json.dumps(result.content)
