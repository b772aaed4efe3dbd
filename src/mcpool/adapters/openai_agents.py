"""mcpool for the OpenAI Agents SDK (`pip install "mcpool[openai-agents]"`).

::

    async with mcpool.open("mcp.json") as host, McpoolServer(host) as tools:
        agent = Agent(name="helper", mcp_servers=[tools])
        await Runner.run(agent, "...")

One object serves any number of agents and of runs at the same time. Each run is a thread of the host, and a step begins
when the SDK lists tools: the calls of a turn go to the very processes whose tools the model was shown.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, Unpack

from agents import AgentBase, RunContextWrapper
from agents.mcp import MCPServer
from agents.tool import ToolErrorFunction, default_tool_error_function
from mcp import types
from pydantic import ValidationError

from mcpool.adapters.run import Run, TaskSteps, ThreadOptions, open_run, when_gone
from mcpool.errors import BadAnswer, McpoolError, ServerNotFound
from mcpool.host.host import Host
from mcpool.runtime.tool_set import Tool
from mcpool.threads.thread import Thread

RUN = "mcpool/run"
"""The key in a listed tool's `_meta` that says for which run it was listed. The SDK gives it back with the call, and
that is all that it tells of whose call it is."""

Context = RunContextWrapper[Any]
ThreadOf = Callable[[Context], Thread | None]


def for_model(context: Context, error: Exception) -> str:
    """What the model is told of a call that failed."""
    causes = (error, error.__cause__)
    ours = next((cause for cause in causes if isinstance(cause, McpoolError)), None)
    return default_tool_error_function(context, error) if ours is None else str(ours)


class McpoolServer(MCPServer):
    """All servers of a host, or those of `only`, as one `MCPServer`. Use it with `async with`, as those of the SDK.

    A call that the configuration wants approved interrupts the run, as the SDK's own approvals do
    (`result.interruptions`), unless there is an `on_approve`. What failed is told to the model in the words of mcpool's
    errors, which say whether the call may have run.
    """

    def __init__(
        self,
        host: Host,
        *,
        name: str = "mcpool",
        thread: ThreadOf | None = None,
        use_structured_content: bool = False,
        failure_error_function: ToolErrorFunction | None = for_model,
        **options: Unpack[ThreadOptions],
    ) -> None:
        """`thread` gives the thread for a run, where it shall be that of a conversation with several runs (None: one of
        its own); it is not closed here. `use_structured_content` and `failure_error_function` are as in the SDK's
        servers, and `options` those of the threads that are opened here."""
        super().__init__(
            use_structured_content=use_structured_content,
            require_approval=self._needs_approval,
            failure_error_function=failure_error_function,
        )
        self._host = host
        self._name = name
        self._thread = thread
        self._options = options
        self._runs: dict[int, Run] = {}
        """By a number for each run."""
        self._numbers: weakref.WeakKeyDictionary[Context, int] = weakref.WeakKeyDictionary()
        """By the SDK's context, which is one for each run."""
        self._count = itertools.count(1)
        self._tasks = TaskSteps()
        self._alone: Run | None = None
        """For what is called outside of a run."""

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cleanup()

    @property
    def name(self) -> str:
        """Its name in the SDK."""
        return self._name

    async def connect(self) -> None:
        """Nothing is started before it is used."""

    async def cleanup(self) -> None:
        """End the runs that are still known. The host stays open."""
        for run in [*self._runs.values(), *([self._alone] if self._alone else [])]:
            run.end()
            if self._thread is None or run is self._alone:
                await run.thread.settled()
        self._runs.clear()
        self._alone = None

    # ------------------------------------------------------------------ tools

    async def list_tools(
        self, run_context: Context | None = None, agent: AgentBase[Any] | None = None
    ) -> list[types.Tool]:
        """The tools of a new step of the run. Raises: as `Run.next_step`."""
        run = self._run(run_context)
        step = await run.next_step()
        self._tasks.add(run)
        number = 0 if run_context is None else self._numbers[run_context]
        return [_listed(tool, number) for tool in step.tools.values()]

    async def call_tool(
        self, tool_name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> types.CallToolResult:
        """Call a tool in the step of the run that it was listed for. Raises: as `Step.call`."""
        meta = dict(meta or {})
        run = self._runs.get(meta.pop(RUN, 0)) or self._run(None)
        step = await run.current_step()
        result = await step.call(tool_name, arguments, meta=meta or None)
        try:
            return types.CallToolResult.model_validate(result.value)
        except ValidationError as error:
            server = step.tools[tool_name].server
            raise BadAnswer(server, -32603, f"the result of `{tool_name}` is none: {error}") from None

    def _needs_approval(self, context: Context, agent: AgentBase[Any], tool: types.Tool) -> bool:
        run = self._runs.get((tool.meta or {}).get(RUN, 0))
        return run is not None and run.needs_approval(tool.name)

    # ------------------------------------------------------------------ prompts and resources

    async def list_prompts(self) -> types.ListPromptsResult:
        """The prompts of all servers that have some, named `SERVER/PROMPT`. Raises: as `Step.call`."""
        step = await self._run(None).current_step()
        prompts: list[types.Prompt] = []
        for server in step.servers:
            if "prompts" in (await step.facts(server)).capabilities:
                listed = [types.Prompt.model_validate(prompt) for prompt in await step.prompts(server)]
                prompts += [prompt.model_copy(update={"name": f"{server}/{prompt.name}"}) for prompt in listed]
        return types.ListPromptsResult(prompts=prompts)

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> types.GetPromptResult:
        """Get a prompt that was listed. Raises: as `Step.call`; ServerNotFound, if the name has no server."""
        step = await self._run(None).current_step()
        server, slash, prompt = name.partition("/")
        if not slash:
            raise ServerNotFound(name, "prompts are named SERVER/PROMPT; `list_prompts` lists them")
        return types.GetPromptResult.model_validate(await step.get_prompt(server, prompt, arguments))

    # ------------------------------------------------------------------ runs

    def _run(self, context: Context | None) -> Run:
        if context is None:
            if self._alone is None:
                self._alone = open_run(self._host, None, self._options)
            return self._alone
        number = self._numbers.get(context)
        run = None if number is None else self._runs.get(number)
        if run is None:
            thread = None if self._thread is None else self._thread(context)
            run = open_run(self._host, thread, self._options)
            number = self._numbers[context] = next(self._count)
            self._runs[number] = run
            when_gone(context, self._end, number)
        return run

    def _end(self, number: int) -> None:
        """The run is over: nobody has its context any more."""
        run = self._runs.pop(number, None)
        if run is not None:
            run.end()


def _listed(tool: Tool, run: int) -> types.Tool:
    spec = {key: value for key, value in tool.spec.items() if key in ("title", "annotations", "icons")}
    return types.Tool.model_validate(
        {
            **spec,
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "_meta": {**(tool.spec.get("_meta") or {}), RUN: run},
        }
    )
