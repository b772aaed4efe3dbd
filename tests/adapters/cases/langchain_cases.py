"""The adapter for LangChain and LangGraph, with the real packages against a model on loopback."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END as THE_END
from langgraph.graph import START as THE_START
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from loopback_model import LoopbackModel
from pydantic import SecretStr
from scenarios import *  # noqa: F403
from scenarios import ECHO, Run, prompt, results, run_example

import mcpool
from mcpool.adapters.langchain import McpoolMiddleware, as_tools
from mcpool.testing import Ask, FakeServer

CONFIG: Any = {"configurable": {"thread_id": "one"}}


@pytest.fixture
def chat(model: LoopbackModel) -> ChatOpenAI:
    return ChatOpenAI(model="loop", base_url=model.url, api_key=SecretStr("none"), max_retries=0)


def told(text: str) -> Any:
    """What an agent is invoked with."""
    return {"messages": [{"role": "user", "content": text}]}


def answer_of(state: Any) -> str:
    return state["messages"][-1].text


@pytest.fixture
def run(host: mcpool.Host, chat: ChatOpenAI) -> Run:
    agent = create_agent(chat, middleware=[McpoolMiddleware(host)])

    async def run(text: str) -> str:
        return answer_of(await agent.ainvoke(told(text)))

    return run


@pytest.fixture
def cautious(server: FakeServer) -> dict[str, Any]:
    """A configuration in which every call has to be approved."""
    return {"mcpServers": {"fake": {**server.entry, "default_tools_approval_mode": "prompt"}}}


async def test_what_the_configuration_wants_approved_interrupts_the_graph(
    chat: ChatOpenAI, server: FakeServer, cautious: dict[str, Any]
):
    async with mcpool.open(cautious) as host:
        agent = create_agent(chat, middleware=[McpoolMiddleware(host)], checkpointer=InMemorySaver())
        asked = await agent.ainvoke(told(prompt({"n": 1}, {"n": 2})), CONFIG)
        (interrupt,) = asked["__interrupt__"]
        assert interrupt.value["action_requests"][0]["name"] == ECHO
        assert server.calls() == []
        asked = await agent.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
        assert [call.arguments for call in server.calls()] == [{"n": 1}]
        assert "__interrupt__" in asked
        done = await agent.ainvoke(Command(resume={"decisions": [{"type": "reject", "message": "no"}]}), CONFIG)
        assert json.loads(answer_of(done))[1] == "no"
        assert len(server.calls()) == 1


async def test_calls_of_one_step_are_approved_one_by_one_and_go_on_together(
    chat: ChatOpenAI, server: FakeServer, cautious: dict[str, Any]
):
    async with mcpool.open(cautious) as host:
        agent = create_agent(chat, middleware=[McpoolMiddleware(host)], checkpointer=InMemorySaver())
        asked = await agent.ainvoke(told(prompt([[ECHO, {"n": n}] for n in range(3)])), CONFIG)
        gc.collect()  # and what was listed for the first invocation is gone
        await asyncio.sleep(0.001)
        verdicts = dict(zip((one.id for one in asked["__interrupt__"]), ("approve", "reject", "approve"), strict=True))
        resume = {id: {"decisions": [{"type": verdict}]} for id, verdict in verdicts.items()}
        await agent.ainvoke(Command(resume=resume), CONFIG)
    assert len(server.calls()) == 2


async def test_on_approve_decides_in_place_of_the_framework(
    chat: ChatOpenAI, server: FakeServer, cautious: dict[str, Any]
):
    verdicts = [True, False]
    async with mcpool.open(cautious) as host:
        middleware = McpoolMiddleware(host, on_approve=lambda request: verdicts.pop(0))
        answer = await create_agent(chat, middleware=[middleware]).ainvoke(told(prompt({"n": 1}, {"n": 2})))
    assert [call.arguments for call in server.calls()] == [{"n": 1}]
    assert "was not approved" in json.loads(answer_of(answer))[1]


async def test_questions_interrupt_the_graph_and_the_call_is_made_once(
    host: mcpool.Host, chat: ChatOpenAI, server: FakeServer
):
    agent = create_agent(chat, middleware=[McpoolMiddleware(host)], checkpointer=InMemorySaver())
    server.will("echo", Ask("Really?"))
    asked = await agent.ainvoke(told(prompt({"n": 1}, {"n": 2})), CONFIG)
    (interrupt,) = asked["__interrupt__"]
    (request,) = interrupt.value["requests"]
    assert (interrupt.value["type"], request["message"], request["mode"]) == ("mcp_elicitation", "Really?", "form")
    assert "sure" in request["requested_schema"]["properties"]
    answer = {"responses": {request["key"]: {"action": "accept", "content": {"sure": True}}}}
    done = await agent.ainvoke(Command(resume=answer), CONFIG)
    assert results(answer_of(done)) == [{"n": 1}, {"n": 2}]
    assert [call.arguments for call in server.calls()] == [{"n": 1}, {"n": 2}]
    assert server.starts == 1


async def test_a_call_is_approved_asks_and_is_still_made_once(
    chat: ChatOpenAI, server: FakeServer, cautious: dict[str, Any]
):
    async with mcpool.open(cautious) as host:
        agent = create_agent(chat, middleware=[McpoolMiddleware(host)], checkpointer=InMemorySaver())
        server.will("echo", Ask("Really?"))
        await agent.ainvoke(told(prompt({"n": 1})), CONFIG)
        asked = await agent.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
        assert asked["__interrupt__"][0].value["type"] == "mcp_elicitation"
        answer = {"responses": {"fake": {"action": "decline"}}}
        done = await agent.ainvoke(Command(resume=answer), CONFIG)
        assert "did not accept: decline" in answer_of(done)
        assert len(server.calls()) == 1
        await asyncio.sleep(0.001)
        assert len(host.threads) == 0


async def test_a_call_that_waits_for_an_answer_outlives_a_reload_and_its_tool(
    host: mcpool.Host, chat: ChatOpenAI, server: FakeServer
):
    agent = create_agent(chat, middleware=[McpoolMiddleware(host)], checkpointer=InMemorySaver())
    server.will("echo", Ask("Really?"))
    await agent.ainvoke(told(prompt({"n": 1})), CONFIG)
    server.tool("other")
    server.remove_tool("echo")
    host.reload()
    await host.settled()
    answer = {"responses": {"fake": {"action": "decline"}}}
    done = await agent.ainvoke(Command(resume=answer), CONFIG)
    assert "did not accept: decline" in answer_of(done)
    assert len(server.calls()) == 1


async def test_a_question_reaches_on_elicit(host: mcpool.Host, chat: ChatOpenAI, server: FakeServer):
    server.will("echo", Ask("Really?"))
    middleware = McpoolMiddleware(host, on_elicit=lambda question: {"sure": question.message == "Really?"})
    answer = await create_agent(chat, middleware=[middleware]).ainvoke(told(prompt({"n": 1})))
    assert results(answer_of(answer)) == [{"n": 1}]


async def test_runs_of_one_conversation_can_share_a_thread(host: mcpool.Host, chat: ChatOpenAI):
    async with host.thread() as conversation:
        agent = create_agent(chat, middleware=[McpoolMiddleware(host, thread=lambda runtime: conversation)])
        for number in range(2):
            assert results(answer_of(await agent.ainvoke(told(prompt({"n": number}))))) == [{"n": number}]
            assert [thread.id for thread in host.threads] == [conversation.id]


async def test_the_tools_of_a_step_work_in_a_graph_of_your_own(host: mcpool.Host, chat: ChatOpenAI):
    async with host.thread() as thread, thread.step() as step:
        tools = as_tools(step)

        async def model(state: MessagesState) -> dict[str, Any]:
            return {"messages": [await chat.bind_tools(tools).ainvoke(state["messages"])]}

        def more(state: MessagesState) -> str:
            last = state["messages"][-1]
            return "tools" if isinstance(last, AIMessage) and last.tool_calls else THE_END

        graph = StateGraph(MessagesState).add_node("model", model).add_node("tools", ToolNode(tools))
        graph = graph.add_edge(THE_START, "model").add_conditional_edges("model", more).add_edge("tools", "model")
        assert results(answer_of(await graph.compile().ainvoke(told(prompt({"n": 1}))))) == [{"n": 1}]


async def test_the_tools_of_a_step_can_be_called_from_another_os_thread(host: mcpool.Host):
    async with host.thread() as thread, thread.step() as step:
        echo = next(tool for tool in as_tools(step) if tool.name == ECHO)
        call: Any = {"type": "tool_call", "id": "1", "name": ECHO, "args": {"n": 1}}
        answer = await asyncio.to_thread(echo.invoke, call)
        assert answer.status == "success", answer.text
        assert json.loads(answer.text) == {"n": 1}
        with pytest.raises(RuntimeError, match="own event loop"):
            echo.invoke(call)


async def test_arguments_may_have_any_name(host: mcpool.Host, chat: ChatOpenAI, server: FakeServer, run: Run):
    names = {"self": 1, "config": 2, "run_manager": 3, "callbacks": 4, "input": 5}
    properties = {name: {"type": "integer"} for name in names}
    server.tool("echo", schema={"type": "object", "properties": properties})
    assert results(await run(prompt(names))) == [names]


async def test_the_example_does_what_it_says(model: LoopbackModel, mcpool_home: Path):
    assert await run_example("langchain_run.py", model) == "20 runs, 1 process\n"
