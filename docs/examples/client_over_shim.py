"""The official SDK's client at the shim, as coding agents and desktop apps are configured to use it."""

import asyncio
import os

from mcp import Client, StdioServerParameters

# The SDK passes on only a few variables by itself; $MCPOOL_HOME, if you use it, has to be among them.
SHIM = StdioServerParameters(command="mcpool", args=["connect", "demo"], env=dict(os.environ))


async def main() -> None:
    async with Client(SHIM) as client:
        result = await client.call_tool("counter", {"add": 1})
        print(result.content[0].text)


if __name__ == "__main__":
    asyncio.run(main())
