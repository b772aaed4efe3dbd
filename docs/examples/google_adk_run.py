"""Agents of Google's ADK on mcpool: twenty runs at once of one agent, one process of the server."""

import asyncio
import sys

from google.adk.agents import LlmAgent
from google.adk.runners import InMemoryRunner
from google.genai import types

import mcpool
from mcpool.adapters.google_adk import McpoolToolset

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}
QUESTION = types.Content(role="user", parts=[types.Part(text="What time is it?")])


async def run(runner: InMemoryRunner) -> None:
    session = await runner.session_service.create_session(app_name="clock", user_id="one")
    async for _ in runner.run_async(user_id="one", session_id=session.id, new_message=QUESTION):
        pass


async def main() -> None:
    async with mcpool.open(CONFIG) as host:
        tools = McpoolToolset(host)
        agent = LlmAgent(name="helper", model="gemini-3.5-flash", tools=[tools])
        runner = InMemoryRunner(agent, app_name="clock", plugins=[tools.plugin])
        await asyncio.gather(*(run(runner) for _ in range(20)))
        print(f"20 runs, {len({row['pid'] for row in host.status()})} process")


asyncio.run(main())
