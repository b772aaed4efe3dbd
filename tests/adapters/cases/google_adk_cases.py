"""The adapter for Google's ADK, with the real kit and its client of Gemini against a model on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.flows.llm_flows.functions import REQUEST_CONFIRMATION_FUNCTION_CALL_NAME
from google.adk.runners import InMemoryRunner
from google.genai import types
from loopback_model import LoopbackModel
from scenarios import *  # noqa: F403
from scenarios import ECHO, Run, prompt, results, run_example

import mcpool
from mcpool.adapters.google_adk import McpoolToolset
from mcpool.testing import Ask, FakeServer

# Gemini's client leaves its connections to the garbage collection.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in ("unclosed", r"Exception ignored in. <(socket|function _Selector)")
]


@pytest.fixture(autouse=True)
def gemini(model: LoopbackModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", model.url.removesuffix("/v1"))
    monkeypatch.setenv("GOOGLE_API_KEY", "none")


class Talk:
    """A session with an agent."""

    def __init__(self, runner: InMemoryRunner, session: str) -> None:
        self._runner = runner
        self._session = session
        self.events: list[Any] = []

    async def say(self, *parts: types.Part) -> str:
        """What the agent says in the end."""
        message = types.Content(role="user", parts=list(parts))
        running = self._runner.run_async(user_id="one", session_id=self._session, new_message=message)
        said = [event async for event in running]
        self.events += said
        return "".join(part.text or "" for part in (said[-1].content.parts if said[-1].content else []))

    def confirmation(self) -> types.FunctionCall:
        """What has to be confirmed last."""
        calls = [call for event in self.events for call in event.get_function_calls()]
        return [call for call in calls if call.name == REQUEST_CONFIRMATION_FUNCTION_CALL_NAME][-1]

    async def confirm(self, yes: bool) -> str:
        call = self.confirmation()
        answer = types.FunctionResponse(id=call.id, name=call.name, response={"confirmed": yes})
        return await self.say(types.Part(function_response=answer))


async def talk_with(tools: McpoolToolset) -> Talk:
    agent = LlmAgent(name="helper", model="gemini-3.5-flash", tools=[tools])
    runner = InMemoryRunner(agent, app_name="tests", plugins=[tools.plugin])
    session = await runner.session_service.create_session(app_name="tests", user_id="one")
    return Talk(runner, session.id)


@pytest.fixture
async def run(host: mcpool.Host) -> AsyncIterator[Run]:
    tools = McpoolToolset(host)
    agent = LlmAgent(name="helper", model="gemini-3.5-flash", tools=[tools])
    runner = InMemoryRunner(agent, app_name="tests", plugins=[tools.plugin])

    async def run(text: str) -> str:
        session = await runner.session_service.create_session(app_name="tests", user_id="one")
        return await Talk(runner, session.id).say(types.Part(text=text))

    yield run
    await tools.close()


@pytest.fixture
def cautious(server: FakeServer) -> dict[str, Any]:
    """A configuration in which every call has to be approved."""
    return {"mcpServers": {"fake": {**server.entry, "default_tools_approval_mode": "prompt"}}}


async def test_what_the_configuration_wants_approved_is_confirmed_first(server: FakeServer, cautious: dict[str, Any]):
    async with mcpool.open(cautious) as host:
        talk = await talk_with(McpoolToolset(host))
        await talk.say(types.Part(text=prompt({"n": 1})))
        assert talk.confirmation().args["originalFunctionCall"]["name"] == ECHO
        assert server.calls() == []
        await talk.confirm(True)
        assert [call.arguments for call in server.calls()] == [{"n": 1}]


async def test_what_is_not_confirmed_is_not_called(server: FakeServer, cautious: dict[str, Any]):
    async with mcpool.open(cautious) as host:
        talk = await talk_with(McpoolToolset(host))
        await talk.say(types.Part(text=prompt({"n": 1})))
        await talk.confirm(False)
        assert server.calls() == []


async def test_a_question_reaches_on_elicit(host: mcpool.Host, server: FakeServer):
    server.will("echo", Ask("Really?"))
    talk = await talk_with(McpoolToolset(host, on_elicit=lambda question: {"sure": question.message == "Really?"}))
    assert results(await talk.say(types.Part(text=prompt({"n": 1})))) == [{"n": 1}]


async def test_invocations_of_one_conversation_can_share_a_thread(host: mcpool.Host):
    async with host.thread() as conversation:
        talk = await talk_with(McpoolToolset(host, thread=lambda context: conversation))
        for number in range(2):
            assert results(await talk.say(types.Part(text=prompt({"n": number}))))[-1] == {"n": number}
            assert [thread.id for thread in host.threads] == [conversation.id]


async def test_it_is_prefixed_and_filtered_as_any_toolset(host: mcpool.Host, model: LoopbackModel, server: FakeServer):
    server.tool("more")
    talk = await talk_with(McpoolToolset(host, tool_filter=[ECHO], tool_name_prefix="my"))
    assert results(await talk.say(types.Part(text=prompt([[f"my_{ECHO}", {"n": 1}]])))) == [{"n": 1}]
    assert list(model.asked[0].tools) == [f"my_{ECHO}"]


async def test_the_example_does_what_it_says(model: LoopbackModel, mcpool_home: Path):
    assert json.dumps(await run_example("google_adk_run.py", model)) == json.dumps("20 runs, 1 process\n")
