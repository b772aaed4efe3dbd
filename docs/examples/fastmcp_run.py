"""FastMCP's client on mcpool: twenty clients at once, one process of the server."""

import asyncio
import sys

from fastmcp import Client

import mcpool
from mcpool.adapters.fastmcp import McpoolTransport

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


async def use(host: mcpool.Host) -> None:
    async with Client(McpoolTransport(host, "demo")) as client:
        await client.call_tool("clock")


async def main() -> None:
    async with mcpool.open(CONFIG) as host:
        await asyncio.gather(*(use(host) for _ in range(20)))
        print(f"20 clients, {len({row['pid'] for row in host.status()})} process")


asyncio.run(main())
