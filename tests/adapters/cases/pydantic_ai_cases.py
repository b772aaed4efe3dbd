"""The adapter for Pydantic AI, with the real package against a model on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from loopback_model import LoopbackModel
from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ToolDenied
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from scenarios import *  # noqa: F403
from scenarios import ECHO, Run, prompt, results, run_example

import mcpool
from mcpool.adapters.pydantic_ai import McpoolToolset
from mcpool.testing import Ask, FakeServer


@pytest.fixture
async def chat(model: LoopbackModel) -> AsyncIterator[OpenAIChatModel]:
    async with AsyncOpenAI(base_url=model.url, api_key="none") as client:
        yield OpenAIChatModel("loop", provider=OpenAIProvider(openai_client=client))


@pytest.fixture
async def run(host: mcpool.Host, chat: OpenAIChatModel) -> Run:
    agent = Agent(chat, toolsets=[McpoolToolset(host)])

    async def run(text: str) -> str:
        return (await agent.run(text)).output

    return run


@pytest.fixture
def cautious(server: FakeServer) -> dict[str, Any]:
    """A configuration in which every call has to be approved."""
    return {"mcpServers": {"fake": {**server.entry, "default_tools_approval_mode": "prompt"}}}


async def test_what_the_configuration_wants_approved_is_deferred(
    chat: OpenAIChatModel, server: FakeServer, cautious: dict[str, Any]
):
    async with mcpool.open(cautious) as host:
        agent = Agent(chat, toolsets=[McpoolToolset(host)], output_type=[str, DeferredToolRequests])
        asked = await agent.run(prompt({"n": 1}, {"n": 2}))
        assert isinstance(asked.output, DeferredToolRequests)
        (call,) = asked.output.approvals
        assert (call.tool_name, server.calls()) == (ECHO, [])
        answers = DeferredToolResults(approvals={call.tool_call_id: True})
        asked = await agent.run(message_history=asked.all_messages(), deferred_tool_results=answers)
        assert [call.arguments for call in server.calls()] == [{"n": 1}]
        assert isinstance(asked.output, DeferredToolRequests)
        answers = DeferredToolResults(approvals={asked.output.approvals[0].tool_call_id: ToolDenied("no")})
        done = await agent.run(message_history=asked.all_messages(), deferred_tool_results=answers)
        assert json.loads(done.output)[1] == "no"
        assert len(server.calls()) == 1


async def test_on_approve_decides_in_place_of_the_framework(
    chat: OpenAIChatModel, server: FakeServer, cautious: dict[str, Any]
):
    verdicts = [True, False]
    async with mcpool.open(cautious) as host:
        agent = Agent(chat, toolsets=[McpoolToolset(host, on_approve=lambda request: verdicts.pop(0))])
        answer = await agent.run(prompt({"n": 1}, {"n": 2}))
    assert [call.arguments for call in server.calls()] == [{"n": 1}]
    assert "was not approved" in json.loads(answer.output)[1]


async def test_a_question_reaches_on_elicit(host: mcpool.Host, chat: OpenAIChatModel, server: FakeServer):
    server.will("echo", Ask("Really?"))
    asks = McpoolToolset[None](host, on_elicit=lambda question: {"sure": question.message == "Really?"})
    answer = await Agent(chat, toolsets=[asks]).run(prompt({"n": 1}))
    assert results(answer.output) == [{"n": 1}]


async def test_runs_of_one_conversation_can_share_a_thread(host: mcpool.Host, chat: OpenAIChatModel):
    async with host.thread() as conversation:
        agent = Agent(chat, toolsets=[McpoolToolset[None](host, thread=lambda context: conversation)])
        for number in range(2):
            assert results((await agent.run(prompt({"n": number}))).output) == [{"n": number}]
            assert [thread.id for thread in host.threads] == [conversation.id]


async def test_it_is_prefixed_and_filtered_as_any_toolset(
    host: mcpool.Host, chat: OpenAIChatModel, model: LoopbackModel, server: FakeServer
):
    server.tool("more")
    tools = McpoolToolset[None](host).filtered(lambda ctx, tool: tool.name == ECHO).prefixed("my")
    answer = await Agent(chat, toolsets=[tools]).run(prompt([[f"my_{ECHO}", {"n": 1}]]))
    assert results(answer.output) == [{"n": 1}]
    assert list(model.asked[0].tools) == [f"my_{ECHO}"]


async def test_an_image_reaches_the_model_as_one(host: mcpool.Host, chat: OpenAIChatModel, model: LoopbackModel):
    from mcpool.adapters.pydantic_ai import for_model
    from mcpool.runtime.result import ToolResult

    part = for_model(ToolResult(b'{"content":[{"type":"image","data":"AAAA","mimeType":"image/png"}]}'))
    assert (part.data, part.is_image) == (b"\x00\x00\x00", True)


async def test_the_example_does_what_it_says(model: LoopbackModel, mcpool_home: Path):
    assert await run_example("pydantic_ai_run.py", model) == "20 runs, 1 process\n"
