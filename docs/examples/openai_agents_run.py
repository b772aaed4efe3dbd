"""Agents of the OpenAI Agents SDK on mcpool: twenty runs at once of one agent, one process of the server."""

import asyncio
import sys

from agents import Agent, Runner

import mcpool
from mcpool.adapters.openai_agents import McpoolServer

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


async def main() -> None:
    async with mcpool.open(CONFIG) as host, McpoolServer(host) as tools:
        agent = Agent(name="helper", model="gpt-5.5", mcp_servers=[tools])
        await asyncio.gather(*(Runner.run(agent, "What time is it?") for _ in range(20)))
        print(f"20 runs, {len({row['pid'] for row in host.status()})} process")


asyncio.run(main())
