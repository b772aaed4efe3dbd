import asyncio
import sys

import mcpool

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


async def main() -> None:
    async with mcpool.open(CONFIG) as host:  # a path, a dict, or nothing: ~/.mcpool/config.toml
        async with host.thread(cwd=".") as thread:  # one conversation
            await thread.ready()  # or the first step shows the tools of only those servers that start within a second
            async with thread.step() as step:  # pins servers, tools and policy
                print([tool["function"]["name"] for tool in step.tools.openai()])
                result = await step.call("mcp__demo__counter", {"add": 1}, timeout=30)
                print(result.structured["value"], result.for_model())


asyncio.run(main())
