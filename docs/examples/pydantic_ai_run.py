"""Agents of Pydantic AI on mcpool: twenty runs at once of one agent, one process of the server."""

import asyncio
import sys

from pydantic_ai import Agent

import mcpool
from mcpool.adapters.pydantic_ai import McpoolToolset

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


async def main() -> None:
    async with mcpool.open(CONFIG) as host:
        agent = Agent("openai:gpt-5.5", toolsets=[McpoolToolset(host)])
        await asyncio.gather(*(agent.run("What time is it?") for _ in range(20)))
        print(f"20 runs, {len({row['pid'] for row in host.status()})} process")


asyncio.run(main())
