"""An agent's loop: each step shows the model the tools of one moment, and calls through exactly those.

`model` stands in for a real one, so that this runs as it is: python docs/examples/agent_loop.py
"""

import asyncio
import json
import sys

import mcpool

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


async def model(chat: list[dict], tools: list[dict]) -> dict:
    """Replace this by your provider's chat completion: it gets `tools` and answers with such a message."""
    if chat[-1]["role"] == "tool":
        return {"role": "assistant", "content": f"The counter says: {chat[-1]['content']}"}
    function = {"name": "mcp__demo__counter", "arguments": '{"add": 5}'}
    assert function["name"] in [tool["function"]["name"] for tool in tools]
    return {"role": "assistant", "tool_calls": [{"id": "call-1", "type": "function", "function": function}]}


async def turn(thread: mcpool.Thread, chat: list[dict]) -> str:
    """One turn: steps until the model has nothing more to call."""
    while True:
        async with thread.step() as step:
            reply = await model(chat, step.tools.openai())
            chat.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                text = await run(step, call["function"]["name"], json.loads(call["function"]["arguments"]))
                chat.append({"role": "tool", "tool_call_id": call["id"], "content": text})


async def run(step: mcpool.Step, name: str, arguments: dict) -> str:
    """The model hears of what went wrong, and can act on it: every message says what happened and what may have run."""
    try:
        result = await step.call(name, arguments, timeout=30)
    except mcpool.McpoolError as error:
        return f"error: {error}"
    return result.for_model()


async def main() -> None:
    async with mcpool.open(CONFIG) as host, host.thread() as thread:
        await thread.ready()
        print(await turn(thread, [{"role": "user", "content": "Add five to the counter."}]))


if __name__ == "__main__":
    asyncio.run(main())
