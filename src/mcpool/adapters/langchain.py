"""mcpool for LangChain and LangGraph (`pip install "mcpool[langchain]"`).

::

    async with mcpool.open("mcp.json") as host:
        agent = create_agent("openai:gpt-5.5", middleware=[McpoolMiddleware(host)])
        await agent.ainvoke({"messages": [{"role": "user", "content": "..."}]})

One object serves any number of agents and of runs at the same time. Each run is a thread of the host, and each call of
the model begins a step: the tool calls that it makes go to the very processes whose tools it was shown.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, Unpack, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, ToolCallRequest
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.channels.untracked_value import UntrackedValue
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from mcpool.adapters.parked import ParkedCall, Questions
from mcpool.adapters.run import Run, ThreadOptions, open_run, when_gone
from mcpool.errors import McpoolError
from mcpool.host.host import Host
from mcpool.host.portal import Portal
from mcpool.runtime.result import ToolResult
from mcpool.runtime.step import Step
from mcpool.runtime.tool_set import Tool
from mcpool.threads.elicitation import ElicitAnswer, Elicitation
from mcpool.threads.thread import Thread

MOST_INTERRUPTED = 1000
"""Runs that were interrupted, and perhaps resumed; of more, the oldest are given up."""


class _Alive:
    """In the state of a graph for as long as it runs, and never written to a checkpoint."""


class McpoolState(AgentState[Any]):
    """What the middleware keeps in the state of a graph."""

    mcpool_run: NotRequired[Annotated[str, PrivateStateAttr]]
    mcpool_alive: NotRequired[Annotated[_Alive, UntrackedValue, PrivateStateAttr]]


@dataclass(frozen=True)
class _Made:
    """A call that was made."""

    tool: Tool
    call: ParkedCall
    approved: bool
    """Whether somebody was asked first; then every frame asks again, because LangGraph counts what a frame asks."""


class _GraphRun:
    """A run, and its calls that are not over, by the ids that the model gave them."""

    def __init__(self, run: Run, questions: Questions) -> None:
        self.run = run
        self.questions = questions
        self.made: dict[str, _Made] = {}

    def end(self) -> None:
        for made in self.made.values():
            made.call.task.cancel()
        self.run.end()


class McpoolMiddleware(AgentMiddleware[McpoolState, Any, Any]):
    """All servers of a host, or those of `only`, for an agent that is invoked asynchronously.

    A call that the configuration wants approved interrupts the graph, as LangChain's `HumanInTheLoopMiddleware` does
    and with the same values, unless there is an `on_approve`. What a server asks interrupts it with the values of
    `langchain.mcp.elicitation`, unless there is an `on_elicit`: the call goes on meanwhile, and is not made again with
    the answer. Both need a checkpointer. What failed is told to the model.
    """

    state_schema = McpoolState

    def __init__(
        self,
        host: Host,
        *,
        thread: Callable[[Runtime[Any]], Thread | None] | None = None,
        **options: Unpack[ThreadOptions],
    ) -> None:
        """`thread` gives the thread for a run, where it shall be that of a conversation with several runs (None: one of
        its own); it is not closed here. `options` are those of the threads that are opened here."""
        super().__init__()
        self._host = host
        self._thread = thread
        self._options = options
        self._runs: dict[str, _GraphRun] = {}
        """By what the state calls them."""
        self._interrupted: dict[str, None] = {}
        """Those whose end nobody tells, if it is none in good order; the oldest first."""

    async def abefore_agent(self, state: McpoolState, runtime: Runtime[Any]) -> dict[str, Any]:
        """Name the run."""
        name, alive = secrets.token_hex(8), _Alive()
        when_gone(alive, self._invocation_over, name)
        return {"mcpool_run": name, "mcpool_alive": alive}

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Begin a step, and show the model its tools. Raises: as `Run.next_step`."""
        graph_run = self._run(request.state, request.runtime)
        step = await graph_run.run.next_step()
        tools = [_LangchainTool(tool, step.call) for tool in step.tools.values()]
        try:
            return await handler(request.override(tools=[*request.tools, *tools]))
        except BaseException:
            graph_run.run.let_go()
            raise

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Call a tool in the step that showed it; other tools are called as they are. Raises: as `Run.next_step`."""
        if request.tool is not None:
            return await handler(request)
        graph_run = self._run(request.state, cast(Any, request.runtime))
        id = str(request.tool_call["id"])
        step = await graph_run.run.current_step()
        made = graph_run.made.get(id)
        tool = step.tools.get(request.tool_call["name"]) if made is None else made.tool
        if tool is None:
            return await handler(request)

        async def call(name: str, arguments: dict[str, Any]) -> ToolResult:
            return await _call(graph_run, step, id, tool, arguments)

        try:
            return await handler(request.override(tool=_LangchainTool(tool, call)))
        except asyncio.CancelledError:
            graph_run.run.let_go()
            raise

    async def aafter_agent(self, state: McpoolState, runtime: Runtime[Any]) -> None:
        """End the run."""
        self._end(state.get("mcpool_run", ""))

    # ------------------------------------------------------------------ within

    def _run(self, state: Any, runtime: Any) -> _GraphRun:
        name = str(state.get("mcpool_run", ""))
        graph_run = self._runs.get(name)
        if graph_run is None:
            questions = Questions()
            options = self._options.copy()
            options["on_elicit"] = options.get("on_elicit") or questions.on_elicit
            thread = None if self._thread is None else self._thread(runtime)
            graph_run = self._runs[name] = _GraphRun(open_run(self._host, thread, options), questions)
        if "mcpool_alive" not in state:  # it comes from a checkpoint
            self._was_interrupted(name)
        return graph_run

    def _invocation_over(self, name: str) -> None:
        """What the run began with is over; perhaps it was interrupted, and it may be resumed already."""
        graph_run = self._runs.get(name)
        if graph_run is None or name in self._interrupted:
            return
        if graph_run.made:
            graph_run.run.let_go()
            self._was_interrupted(name)
        else:
            self._end(name)

    def _was_interrupted(self, name: str) -> None:
        self._interrupted.setdefault(name)
        while len(self._interrupted) > MOST_INTERRUPTED:
            self._end(next(iter(self._interrupted)))

    def _end(self, name: str) -> None:
        self._interrupted.pop(name, None)
        graph_run = self._runs.pop(name, None)
        if graph_run is not None:
            graph_run.end()


async def _call(graph_run: _GraphRun, step: Step, id: str, tool: Tool, arguments: dict[str, Any]) -> ToolResult:
    """Make a call, or go on with the one that an earlier frame made."""
    made = graph_run.made.get(id)
    approved = graph_run.run.needs_approval(tool.name) if made is None else made.approved
    if approved:
        _have_approved(tool.name, arguments, tool.description)
    if made is None:
        made = _Made(tool, ParkedCall(step.call(tool.name, arguments), graph_run.questions), approved)
        graph_run.made[id] = made
    try:
        return await made.call.result(lambda question: _ask(tool.name, question))
    finally:
        if made.call.task.done() or made.call.task.cancelling():
            graph_run.made.pop(id, None)


def _have_approved(name: str, arguments: dict[str, Any], description: str) -> None:
    """Interrupt the graph, as `HumanInTheLoopMiddleware` does. Raises: ToolException, if it is not approved."""
    request = {
        "action_requests": [{"name": name, "args": arguments, "description": description}],
        "review_configs": [{"action_name": name, "allowed_decisions": ["approve", "reject"]}],
    }
    answer = interrupt(request)
    try:
        (decision,) = answer["decisions"]
        approved = decision["type"] == "approve"
        reason = str(decision.get("message") or "the user did not approve this call; it was not made")
    except (TypeError, ValueError, KeyError, AttributeError):
        msg = (
            f"{name!r} waits for {{'decisions': [{{'type': 'approve'}}]}}, or 'reject'; it was resumed with {answer!r}"
        )
        raise ValueError(msg) from None
    if not approved:
        raise ToolException(reason)


def _ask(name: str, question: Elicitation) -> ElicitAnswer:
    """Interrupt the graph, as `langchain.mcp` does."""
    about = {"requested_schema": dict(question.schema)} if question.mode == "form" else {"url": question.url}
    request = {"key": question.server, "message": question.message, "mode": question.mode, **about}
    answer = interrupt({"type": "mcp_elicitation", "tool_name": name, "requests": [request]})
    try:
        given = answer["responses"][question.server]
        return ElicitAnswer(given["action"], given.get("content"))
    except (TypeError, KeyError, AttributeError):
        wanted: dict[str, Any] = {"responses": {question.server: {"action": "accept", "content": {}}}}
        raise ValueError(f"{name!r} waits for {wanted}; it was resumed with {answer!r}") from None


_Said = tuple[list[dict[str, Any]], dict[str, Any] | None]
"""The content for the model, and the artifact."""


class _LangchainTool(BaseTool):
    """A tool of a step, for the model and for LangGraph's tool node."""

    def __init__(self, tool: Tool, call: Callable[[str, dict[str, Any]], Awaitable[ToolResult]]) -> None:
        annotations = tool.spec.get("annotations")
        super().__init__(
            name=tool.name,
            description=tool.description,
            args_schema=tool.input_schema,
            response_format="content_and_artifact",
            handle_tool_error=True,
            metadata={"mcp": {"server": {"name": tool.server}, "tool": {"annotations": annotations}}},
        )
        self._call_tool = call
        self._portal = Portal(asyncio.get_running_loop())

    def _run(self, /, **arguments: Any) -> _Said:
        # Called without `await`, as a graph that runs in another OS thread than the host does.
        return self._portal.call(self._said, arguments)

    async def _arun(self, /, **arguments: Any) -> _Said:
        return await self._said(arguments)

    async def _said(self, arguments: dict[str, Any]) -> _Said:
        try:
            result = await self._call_tool(self.name, arguments)
        except McpoolError as error:
            raise ToolException(str(error)) from error
        if result.is_error:
            raise ToolException(result.for_model())
        structured = result.structured
        return blocks(result), None if structured is None else {"structured_content": structured}


def blocks(result: ToolResult) -> list[dict[str, Any]]:
    """The content of a result, as content blocks of LangChain."""
    return [_block(block) for block in result.content]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    match block:
        case {"type": "text", "text": str(text)} | {"type": "resource", "resource": {"text": str(text)}}:
            return {"type": "text", "text": text}
        case {"type": "image" | "audio" as kind, "data": str(data), "mimeType": str(mime)}:
            return {"type": kind, "base64": data, "mime_type": mime}
        case {"type": "resource", "resource": {"blob": str(data), **rest}}:
            mime = str(rest.get("mimeType") or "application/octet-stream")
            return {"type": "image" if mime.startswith("image/") else "file", "base64": data, "mime_type": mime}
        case {"type": "resource_link", "uri": str(uri), **rest}:
            return {"type": "file", "url": uri, "mime_type": str(rest.get("mimeType") or "application/octet-stream")}
        case _:
            return {"type": "text", "text": str(block)}


def as_tools(step: Step) -> list[BaseTool]:
    """The tools of a step, for a graph of your own; they can be called for as long as the step lasts."""

    async def call(name: str, arguments: dict[str, Any]) -> ToolResult:
        return await step.call(name, arguments)

    return [_LangchainTool(tool, call) for tool in step.tools.values()]
