"""The official SDK's client at the daemon of a home: by URL, or through `mcpool connect`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from support.mcpool_home import McpoolHome

if TYPE_CHECKING:
    from mcp import Client

Mode = Literal["auto", "legacy", "2026-07-28"]


@dataclass(frozen=True)
class Door:
    """One way for a client to come in, and the revision it insists on."""

    way: Literal["url", "shim"]
    mode: Mode

    @asynccontextmanager
    async def client(self, mcpool: McpoolHome, server: str = "", **options: Any) -> AsyncGenerator[Client]:
        """A client of one server, or of all."""
        came_in = by_url if self.way == "url" else by_shim
        async with came_in(mcpool, server, self.mode, **options) as client:
            yield client


DOORS = [Door("url", "legacy"), Door("url", "2026-07-28"), Door("shim", "legacy"), Door("shim", "2026-07-28")]


@asynccontextmanager
async def by_url(mcpool: McpoolHome, server: str, mode: Mode = "auto", **options: Any) -> AsyncGenerator[Client]:
    """A client over streamable HTTP, with the home's default token."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    record = mcpool.record()
    url = f"{record['endpoint']}/{server}".removesuffix("/")
    bearer = {"Authorization": f"Bearer {mcpool.token()}"}
    async with (
        httpx2.AsyncClient(headers=bearer, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client,
    ):
        yield client


@asynccontextmanager
async def by_shim(
    mcpool: McpoolHome, server: str, mode: Mode = "auto", *, cwd: Path | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """A client that starts `mcpool connect`, in `cwd` if given."""
    from mcp import Client, StdioServerParameters

    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcpool", "connect", *([server] if server else [])],
        env={"MCPOOL_HOME": str(mcpool.path)},
        cwd=cwd or mcpool.path,
    )
    async with Client(parameters, mode=mode, **options) as client:
        yield client


def text(result: Any) -> str:
    """All the text of a tool's result, which must be none of an error."""
    said = "".join(part.text for part in result.content if part.type == "text")
    assert not result.is_error, said
    return said
