"""Use the servers of the running daemon (`mcpool up`) from a program, instead of running them a second time."""

import asyncio

import mcpool


async def main() -> None:
    async with mcpool.open(attach=True) as host, host.thread() as thread:
        await thread.ready()
        async with thread.step() as step:
            print("servers:", ", ".join(step.servers))
            result = await step.call("mcp__demo__counter", {"add": 1})
            print("counter:", result.structured["value"])


if __name__ == "__main__":
    asyncio.run(main())
