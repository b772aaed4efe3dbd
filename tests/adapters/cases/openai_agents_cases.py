"""The adapter for the OpenAI Agents SDK, with the real SDK against a model on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from loopback_model import LoopbackModel
from openai import AsyncOpenAI
from scenarios import *  # noqa: F403
from scenarios import ECHO, RUNS, Run, prompt, results, run_example

import mcpool
from mcpool.adapters.openai_agents import McpoolServer
from mcpool.testing import Ask, FakeServer

set_tracing_disabled(True)


@pytest.fixture
async def client(model: LoopbackModel) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=model.url, api_key="none") as client:
        yield client


def agent_with(tools: McpoolServer, client: AsyncOpenAI) -> Agent[Any]:
    return Agent(name="helper", mcp_servers=[tools], model=OpenAIChatCompletionsModel("loop", client))


@pytest.fixture
async def run(host: mcpool.Host, client: AsyncOpenAI) -> AsyncIterator[Run]:
    async with McpoolServer(host) as tools:
        agent = agent_with(tools, client)

        async def run(text: str) -> str:
            return (await Runner.run(agent, text)).final_output

        yield run


async def test_a_kept_result_keeps_no_old_process(host: mcpool.Host, client: AsyncOpenAI, server: FakeServer):
    async with McpoolServer(host) as tools:
        kept = await asyncio.create_task(Runner.run(agent_with(tools, client), prompt({"n": 1})))
        (thread,) = host.threads
        assert (thread.pins, bool(kept.final_output)) == (0, True)


async def test_what_the_configuration_wants_approved_interrupts_the_run(client: AsyncOpenAI, server: FakeServer):
    config = {"mcpServers": {"fake": {**server.entry, "default_tools_approval_mode": "prompt"}}}
    async with mcpool.open(config) as host, McpoolServer(host) as tools:
        agent = agent_with(tools, client)
        asked = await Runner.run(agent, prompt({"n": 1}, {"n": 2}))
        assert [item.name for item in asked.interruptions] == [ECHO]
        assert server.calls() == []
        state = asked.to_state()
        state.approve(asked.interruptions[0])
        asked = await Runner.run(agent, state)
        assert [call.arguments for call in server.calls()] == [{"n": 1}]
        state = asked.to_state()
        state.reject(asked.interruptions[0])
        answer = await Runner.run(agent, state)
        assert "not approved" in json.loads(answer.final_output)[1]
        assert len(server.calls()) == 1


async def test_on_approve_decides_in_place_of_the_framework(client: AsyncOpenAI, server: FakeServer):
    config = {"mcpServers": {"fake": {**server.entry, "default_tools_approval_mode": "prompt"}}}
    verdicts = [True, False]
    async with mcpool.open(config) as host, McpoolServer(host, on_approve=lambda request: verdicts.pop(0)) as tools:
        answer = await Runner.run(agent_with(tools, client), prompt({"n": 1}, {"n": 2}))
    assert [call.arguments for call in server.calls()] == [{"n": 1}]
    assert "was not approved" in json.loads(answer.final_output)[1]


async def test_a_question_reaches_on_elicit(host: mcpool.Host, client: AsyncOpenAI, server: FakeServer):
    server.will("echo", Ask("Really?"))
    async with McpoolServer(host, on_elicit=lambda question: {"sure": question.message == "Really?"}) as tools:
        answer = await Runner.run(agent_with(tools, client), prompt({"n": 1}))
    assert results(answer.final_output) == [{"n": 1}]


async def test_runs_of_one_conversation_can_share_a_thread(host: mcpool.Host, client: AsyncOpenAI):
    async with host.thread() as conversation, McpoolServer(host, thread=lambda context: conversation) as tools:
        agent = agent_with(tools, client)
        for number in range(2):
            assert results((await Runner.run(agent, prompt({"n": number}))).final_output) == [{"n": number}]
            assert [thread.id for thread in host.threads] == [conversation.id]


async def test_without_a_run_tools_are_listed_and_called_too(host: mcpool.Host):
    async with McpoolServer(host) as tools:
        assert [tool.name for tool in await tools.list_tools()] == [ECHO]
        result = await tools.call_tool(ECHO, {"n": 1})
        assert result.structured_content == {"n": 1}


async def test_the_example_does_what_it_says(model: LoopbackModel, mcpool_home: Path):
    assert await run_example("openai_agents_run.py", model) == "20 runs, 1 process\n"


@pytest.fixture
def configured(server: FakeServer, mcpool_home: Path) -> None:
    """The home in which a daemon finds the server."""
    mcpool_home.mkdir(mode=0o700)
    entry = f"[mcp_servers.fake]\ncommand = {json.dumps(server.entry['command'])}\nargs = {server.entry['args']}\n"
    (mcpool_home / "config.toml").write_text(f"[daemon]\nport = 0\n{entry}")


@pytest.mark.usefixtures("configured")
async def test_attached_to_the_daemon_all_runs_use_its_process(client: AsyncOpenAI, server: FakeServer):
    up = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcpool", "up"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert up.stdout is not None
        while b"http://" not in (line := await up.stdout.readline()):
            assert line, "the daemon did not come up"
        async with mcpool.open(attach=True) as host, McpoolServer(host) as tools:
            agent = agent_with(tools, client)
            answers = await asyncio.gather(*(Runner.run(agent, prompt({"n": n}, {"n": n})) for n in range(RUNS)))
            assert [results(answer.final_output) for answer in answers] == [[{"n": n}, {"n": n}] for n in range(RUNS)]
            assert server.starts == 1
    finally:
        up.terminate()
        await up.wait()
