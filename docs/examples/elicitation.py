"""Answer what servers ask, and approve what they do."""

import asyncio
import sys
from pathlib import Path

import mcpool

SERVER = Path(__file__).with_name("asking_server.py")
CONFIG = {"mcpServers": {"asking": {"command": sys.executable, "args": [str(SERVER)]}}}


async def ask_user(question: mcpool.Elicitation) -> mcpool.ElicitAnswer:
    """Put it to the user; here the user is always sure. `question.schema` describes the form."""
    print(f"{question.server} asks: {question.message}")
    return mcpool.ElicitAnswer("accept", {"sure": True})


def approve(request: mcpool.ApprovalRequest) -> bool:
    """May this call run? Here every call may."""
    print(f"{request.server} wants to run {request.tool}")
    return True


async def main() -> None:
    async with mcpool.open(CONFIG) as host, host.thread(on_elicit=ask_user, on_approve=approve) as thread:
        await thread.ready()
        async with thread.step() as step:
            result = await step.call("mcp__asking__delete", {"folder": "/tmp/old"})
            print(result.content[0]["text"])


if __name__ == "__main__":
    asyncio.run(main())
