"""Clients that can do different things, in different folders, on servers imported from another host's file."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp_types import ElicitResult, ListRootsResult, Root

from gatewaykit.waiting import until
from support.known_servers import npm
from support.mcpool_home import McpoolHome
from support.sdk_clients import by_shim, text

if TYPE_CHECKING:
    from mcp import Client


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Where the three clients work."""
    found = [tmp_path / name for name in ("ann", "bob", "cyd")]
    for folder in found:
        folder.mkdir()
        (folder / "note.txt").write_text(f"a note of {folder.name}")
    return found


@pytest.fixture
def imported(mcpool: McpoolHome, tmp_path: Path) -> McpoolHome:
    """A daemon of servers that were taken over from a user's `mcpServers` file."""
    entries = {
        "everything": {"command": npm("mcp-server-everything")},
        "memory": {"command": npm("mcp-server-memory"), "env": {"MEMORY_FILE_PATH": str(tmp_path / "memory.json")}},
        "filesystem": {"command": npm("mcp-server-filesystem"), "args": [str(tmp_path)]},
        "time": {"command": sys.executable, "args": ["-m", "mcp_server_time"]},
    }
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": entries}))
    mcpool.configure("[daemon]\nport = 0\n")
    assert mcpool.run("import", "--yes", str(file)).returncode == 0
    mcpool.up().ready()
    return mcpool


async def elicited(context: object, params: object) -> ElicitResult:
    return ElicitResult(action="decline")


def abilities(folder: Path) -> list[dict[str, Any]]:
    """Nothing; elicitation; elicitation and roots."""

    async def roots(context: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=folder.as_uri())])  # type: ignore[arg-type]

    return [{}, {"elicitation_callback": elicited}, {"elicitation_callback": elicited, "list_roots_callback": roots}]


@pytest.mark.filterwarnings("ignore:The roots capability is deprecated")
async def test_three_unlike_clients_share_a_process_but_of_the_server_that_uses_roots(
    imported: McpoolHome, folders: list[Path]
) -> None:
    """P1"""
    calls: dict[str, tuple[str, dict[str, str]]] = {
        "everything": ("echo", {"message": "hi"}),
        "memory": ("read_graph", {}),
        "filesystem": ("list_allowed_directories", {}),
        "time": ("get_current_time", {"timezone": "UTC"}),
    }
    async with AsyncExitStack() as stack:
        clients: list[dict[str, Client]] = []
        for folder, can in zip(folders, abilities(folders[2]), strict=True):
            doors = {name: by_shim(imported, name, "legacy", cwd=folder, **can) for name in calls}
            clients.append({name: await stack.enter_async_context(door) for name, door in doors.items()})
        for client in clients:
            for name, (tool, arguments) in calls.items():
                text(await client[name].call_tool(tool, arguments))

        async def allowed(client: dict[str, Client]) -> list[str]:
            return text(await client["filesystem"].call_tool(*calls["filesystem"])).splitlines()

        async def roots_are_in_force() -> bool:
            return str(folders[2]) in await allowed(clients[2])

        # It asks for the roots once it is ready, and takes calls meanwhile.
        await until(roots_are_in_force)
        of_others = [await allowed(client) for client in clients[:2]]
        status = await asyncio.to_thread(imported.status)
        shown = await asyncio.to_thread(imported.run, "status")

    rows = {name: [row for row in status["servers"] if row["name"] == name] for name in calls}
    assert {name: len(found) for name, found in rows.items()} == {
        "everything": 1,
        "memory": 1,
        "filesystem": 2,
        "time": 1,
    }
    assert "roots" in "".join(rows["filesystem"][1]["why"])
    assert "filesystem: pid" in shown.stdout
    assert "roots" in shown.stdout
    # Roots replace what a filesystem server was told on its command line, for the client that has them alone.
    assert [str(folders[2]) in folders_of for folders_of in of_others] == [False, False]


async def test_same_servers_without_the_written_folder_would_be_three_processes(
    mcpool: McpoolHome, folders: list[Path]
) -> None:
    """What `import` spares its user, and what `status` tells who wrote the configuration himself."""
    mcpool.configure_servers(time={"command": sys.executable, "args": ["-m", "mcp_server_time"]})
    async with AsyncExitStack() as stack:
        for folder in folders:
            client = await stack.enter_async_context(by_shim(mcpool, "time", "legacy", cwd=folder))
            text(await client.call_tool("get_current_time", {"timezone": "UTC"}))
        status = await asyncio.to_thread(mcpool.status)
    rows = status["servers"]
    assert len(rows) == 3
    assert [f'cwd = "{folders[0]}"' in "".join(row["why"]) for row in rows] == [False, True, True]
