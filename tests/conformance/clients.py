"""Clients of scenarios, all in this process: `handing_over` brings what they have to do."""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from conformance import client, handing_over
from mcpool.wire.http import load

COMMAND = f"{sys.executable} -I -S {handing_over.__file__}"
"""What the suite has to start for each scenario."""


@asynccontextmanager
async def taking_clients(path: Path) -> AsyncGenerator[dict[str, str]]:
    """Be the client of every scenario that is handed over at this socket; gives the variables that tell where it is."""
    turns = asyncio.Semaphore(4)
    load()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = client.Wanted(**json.loads(await reader.readline()))
        try:
            async with turns:
                await client.run(wanted)
        except Exception:  # the suite judges by what its server saw; this is for whoever reads its report
            writer.write(traceback.format_exc().encode())
        writer.close()

    server = await asyncio.start_unix_server(take, path)
    async with server:
        yield {handing_over.VARIABLE: str(path)}
