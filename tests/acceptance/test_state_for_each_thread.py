"""One real process keeps state for each of its clients, whichever way they come in."""

from __future__ import annotations

import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from gatewaykit.waiting import until
from support.mcpool_home import McpoolHome
from support.sdk_clients import Door, text

DOORS = [Door("shim", "legacy"), Door("url", "legacy"), Door("url", "2026-07-28"), Door("shim", "2026-07-28")]
NOTEBOOK = Path(__file__).parents[1] / "support" / "notebook_server.py"


async def test_clients_of_one_process_have_a_notebook_each_which_goes_when_they_do(mcpool: McpoolHome) -> None:
    mcpool.configure_servers(notebook={"command": sys.executable, "args": ["-I", str(NOTEBOOK)], "cwd": "/"})
    mcpool.up().ready()

    async def ask(client: Any, tool: str, **arguments: str) -> Any:
        return json.loads(text(await client.call_tool(tool, arguments)))

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(door.client(mcpool, "notebook")) for door in DOORS]
        for number, client in enumerate(clients):
            await ask(client, "note", text=f"first of {number}")
        seen = [await ask(client, "note", text=f"second of {number}") for number, client in enumerate(clients)]
        assert seen == [[f"first of {number}", f"second of {number}"] for number in range(len(DOORS))]
        rows = [row for row in mcpool.status()["servers"] if row["pid"]]
        assert len(rows) == 1

        async with DOORS[0].client(mcpool, "notebook") as passing:
            assert await ask(passing, "note", text="mine") == ["mine"]
            everybody = await ask(clients[0], "notebooks")
        assert len(everybody) == len(DOORS) + 1
        assert not [lease for lease in everybody if "thread" in lease]

        async def passing_has_left() -> bool:
            return ["mine"] not in (await ask(clients[0], "notebooks")).values()

        await until(passing_has_left)
        assert await ask(clients[1], "note", text="third of 1") == ["first of 1", "second of 1", "third of 1"]
