"""Agents of LangChain on mcpool: twenty runs at once of one agent, one process of the server."""

import asyncio
import sys

from langchain.agents import create_agent

import mcpool
from mcpool.adapters.langchain import McpoolMiddleware

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}
QUESTION = {"messages": [{"role": "user", "content": "What time is it?"}]}


async def main() -> None:
    async with mcpool.open(CONFIG) as host:
        agent = create_agent("openai:gpt-5.5", middleware=[McpoolMiddleware(host)])
        await asyncio.gather(*(agent.ainvoke(QUESTION) for _ in range(20)))
        print(f"20 runs, {len({row['pid'] for row in host.status()})} process")


asyncio.run(main())
