"""Runs of one framework's agents at the same time, with its own MCP client or with mcpool; prints what it measured.

In the framework's environment, against a model on loopback that calls `echo` so often, and the echo server. With the
framework's own client each run has one, as its documents have it for requests that are served at the same time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

from benchmarks.paths import ECHO, ROOT
from benchmarks.processes import children, command_line, pss_bytes

sys.path.insert(0, str(ROOT / "tests" / "adapters" / "cases"))
from loopback_model import Asked, LoopbackModel

Run = Callable[[str], Awaitable[object]]
COMMAND, *ARGUMENTS = ECHO
CONFIG = {"mcpServers": {"echo": {"command": COMMAND, "args": ARGUMENTS}}}


@asynccontextmanager
async def openai_agents(url: str, host: Any) -> AsyncGenerator[Run]:
    from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
    from agents.mcp import MCPServerStdio
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        model = OpenAIChatCompletionsModel("loop", client)
        if host is not None:
            from mcpool.adapters.openai_agents import McpoolServer

            async with McpoolServer(host) as tools:
                agent = Agent(name="helper", mcp_servers=[tools], model=model)
                yield lambda text: Runner.run(agent, text, max_turns=1000)
            return

        async def run(text: str) -> object:
            async with MCPServerStdio(params={"command": COMMAND, "args": ARGUMENTS}) as server:
                return await Runner.run(Agent(name="helper", mcp_servers=[server], model=model), text, max_turns=1000)

        yield run


@asynccontextmanager
async def pydantic_ai(url: str, host: Any) -> AsyncGenerator[Run]:
    from fastmcp.client.transports import StdioTransport
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.mcp import MCPToolset
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.usage import UsageLimits

    limits = UsageLimits(request_limit=1000)
    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        model = OpenAIChatModel("loop", provider=OpenAIProvider(openai_client=client))
        if host is not None:
            from mcpool.adapters.pydantic_ai import McpoolToolset

            agent = Agent(model, toolsets=[McpoolToolset(host)])
            yield lambda text: agent.run(text, usage_limits=limits)
            return

        async def run(text: str) -> object:
            tools = MCPToolset(StdioTransport(COMMAND, ARGUMENTS, keep_alive=False))
            return await Agent(model, toolsets=[tools]).run(text, usage_limits=limits)

        yield run


@asynccontextmanager
async def langchain(url: str, host: Any) -> AsyncGenerator[Run]:
    import warnings

    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    warnings.simplefilter("ignore")
    from fastmcp.client.transports import StdioTransport
    from langchain.mcp import MCPAdapter

    model = ChatOpenAI(model="loop", base_url=url, api_key=SecretStr("none"))
    config: Any = {"recursion_limit": 10_000}

    def told(text: str) -> Any:
        return {"messages": [{"role": "user", "content": text}]}

    if host is not None:
        from mcpool.adapters.langchain import McpoolMiddleware

        agent = create_agent(model, middleware=[McpoolMiddleware(host)])
        yield lambda text: agent.ainvoke(told(text), config)
        return

    async def run(text: str) -> object:
        async with MCPAdapter(StdioTransport(COMMAND, ARGUMENTS, keep_alive=False)) as adapter:
            return await create_agent(model, await adapter.list_tools()).ainvoke(told(text), config)

    yield run


@asynccontextmanager
async def google_adk(url: str, host: Any) -> AsyncGenerator[Run]:
    import logging

    os.environ |= {"GOOGLE_GEMINI_BASE_URL": url.removesuffix("/v1"), "GOOGLE_API_KEY": "none"}
    logging.disable(logging.WARNING)
    from google.adk.agents import LlmAgent
    from google.adk.agents.run_config import RunConfig
    from google.adk.runners import InMemoryRunner
    from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
    from google.genai import types
    from mcp import StdioServerParameters

    async def converse(runner: Any, text: str) -> None:
        session = await runner.session_service.create_session(app_name="bench", user_id="one")
        message = types.Content(role="user", parts=[types.Part(text=text)])
        config = RunConfig(max_llm_calls=1000)
        running = runner.run_async(user_id="one", session_id=session.id, new_message=message, run_config=config)
        async for _ in running:
            pass

    def runner_with(tools: Any, plugins: list[Any]) -> Any:
        agent = LlmAgent(name="helper", model="gemini-3.5-flash", tools=[tools])
        return InMemoryRunner(agent, app_name="bench", plugins=plugins)

    if host is not None:
        from mcpool.adapters.google_adk import McpoolToolset

        pooled = McpoolToolset(host)
        runner = runner_with(pooled, [pooled.plugin])
        yield lambda text: converse(runner, text)
        await pooled.close()
        return

    async def run(text: str) -> None:
        parameters = StdioServerParameters(command=COMMAND, args=ARGUMENTS)
        tools = McpToolset(connection_params=StdioConnectionParams(server_params=parameters, timeout=60))
        try:
            await converse(runner_with(tools, []), text)
        finally:
            await tools.close()

    yield run


FRAMEWORKS = {
    "openai_agents": openai_agents,
    "pydantic_ai": pydantic_ai,
    "langchain": langchain,
    "google_adk": google_adk,
}


class Watch:
    """What happens, as the model sees it."""

    def __init__(self, runs: int) -> None:
        self.began = time.perf_counter()
        self.first: list[float] = []
        """For each run, when its first call was answered."""
        self.processes = 0
        self.memory = 0
        self._runs = runs

    async def see(self, asked: Asked) -> None:
        if asked.done == 1:
            self.first.append(time.perf_counter() - self.began)
            if len(self.first) == self._runs:
                self.processes = sum(ECHO[-1] in command_line(pid) for pid in children(os.getpid()))
                self.memory = pss_bytes(os.getpid()) + sum(map(pss_bytes, children(os.getpid())))


async def measure(wanted: dict[str, Any]) -> dict[str, Any]:
    """Run them all, and say what that took. The first calls of all wait for each other, so that they are counted at
    once."""
    import mcpool

    runs, calls = int(wanted["runs"]), int(wanted["calls"])
    tool = "mcp__echo__echo" if wanted["pooled"] else "echo"
    text = json.dumps([[[tool, {"text": "x"}]]] * calls)
    async with LoopbackModel() as model:
        host = await mcpool.open(CONFIG).__aenter__() if wanted["pooled"] else None
        try:
            async with FRAMEWORKS[wanted["framework"]](model.url, host) as run:
                await run(json.dumps([]))  # what is imported and connected once is not what is measured
                watch = Watch(runs)
                model.hook = watch.see
                cpu = time.process_time()
                await asyncio.gather(*(run(text) for _ in range(runs)))
                took, cpu = time.perf_counter() - watch.began, time.process_time() - cpu
        finally:
            if host is not None:
                await host.close()
    done = [asked for asked in model.asked if asked.done == calls]
    if len(done) != runs or any(len(asked.results) != calls for asked in done):
        msg = f"{len(done)} of {runs} runs came to their end"
        raise RuntimeError(msg)
    return {
        "first": median(watch.first),
        "per_second": runs * calls / took,
        "cpu": cpu / (runs * calls),
        "processes": watch.processes,
        "memory": watch.memory,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(json.loads(sys.argv[1])))))
