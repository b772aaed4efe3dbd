"""mcpool for Google's Agent Development Kit (`pip install "mcpool[google-adk]"`).

::

    async with mcpool.open("mcp.json") as host:
        tools = McpoolToolset(host)
        agent = LlmAgent(name="helper", model="gemini-3.5-flash", tools=[tools])
        runner = InMemoryRunner(agent, plugins=[tools.plugin])

One object serves any number of agents and of invocations at the same time. Each invocation is a thread of the host, and
a step begins when ADK lists tools, for each request to the model: the calls of its answer go to the very processes
whose tools it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from google.adk.agents.invocation_context import InvocationContext
from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset, ToolPredicate
from google.adk.tools.tool_context import ToolContext
from google.genai.types import FunctionDeclaration

from mcpool.adapters.run import Run, ThreadOptions, open_run, when_gone
from mcpool.errors import McpoolError
from mcpool.host.host import Host
from mcpool.runtime.step import Step
from mcpool.runtime.tool_set import Tool
from mcpool.threads.thread import Thread

MOST_RUNS = 1000
"""Of which no end is seen, because ADK or the program keeps what belonged to them; of more, the oldest are ended."""


class McpoolToolset(BaseToolset):
    """All servers of a host, or those of `only`.

    A call that the configuration wants approved asks for ADK's own confirmation (`adk_request_confirmation`), unless
    there is an `on_approve`. What failed is told to the model, as `{"error": ...}`.
    """

    def __init__(
        self,
        host: Host,
        *,
        tool_filter: ToolPredicate | list[str] | None = None,
        tool_name_prefix: str | None = None,
        thread: Callable[[ReadonlyContext], Thread | None] | None = None,
        **options: Unpack[ThreadOptions],
    ) -> None:
        """`tool_filter` and `tool_name_prefix` are ADK's. `thread` gives the thread for an invocation, where it shall
        be that of a conversation with several (None: one of its own); it is not closed here. `options` are those of the
        threads that are opened here."""
        super().__init__(tool_filter=tool_filter, tool_name_prefix=tool_name_prefix)
        self._use_invocation_cache = False  # each request to the model is a step of its own
        self._host = host
        self._thread = thread
        self._options = options
        self._runs: dict[str, Run] = {}
        """By the invocation's id; "" is for what is listed outside of one."""
        self.plugin: BasePlugin = _Ends(self._end)
        """For the `plugins` of a runner: it ends a thread with its invocation. Without it, that is when Python collects
        what belonged to the invocation, which may be late."""

    @property
    def _cached_prefixed_tools(self) -> None:
        """ADK would keep the tools that it listed last, and so their step."""

    @_cached_prefixed_tools.setter
    def _cached_prefixed_tools(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, tools: object
    ) -> None: ...

    async def get_tools(self, readonly_context: ReadonlyContext | None = None) -> list[BaseTool]:
        """The tools of a new step of the invocation. Raises: as `Run.next_step`."""
        run = self._run(readonly_context)
        step = await run.next_step()
        shown = _Shown(step)
        when_gone(shown, run.let_go, step)
        tools = [_AdkTool(tool, run, shown) for tool in step.tools.values()]
        if readonly_context is None or self.tool_filter is None:
            return list(tools)
        return [tool for tool in tools if self._is_tool_selected(tool, readonly_context)]

    async def close(self) -> None:
        """End what is still known of invocations. The host stays open."""
        while self._runs:
            _, run = self._runs.popitem()
            run.end()

    def _run(self, context: ReadonlyContext | None) -> Run:
        id = "" if context is None else context.invocation_id
        run = self._runs.get(id)
        if run is None:
            thread = None if self._thread is None or context is None else self._thread(context)
            run = self._runs[id] = open_run(self._host, thread, self._options)
            if context is not None:
                when_gone(context.session, self._end, id)
            while len(self._runs) > MOST_RUNS:
                self._end(next(iter(self._runs)))
        return run

    def _end(self, id: str) -> None:
        """Nobody has the session of the invocation any more, which ADK reads anew for each."""
        run = self._runs.pop(id, None)
        if run is not None:
            run.end()


class _Ends(BasePlugin):
    """Tells which invocations are over."""

    def __init__(self, end: Callable[[str], None]) -> None:
        super().__init__("mcpool")
        self._end = end

    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """An invocation is over."""
        self._end(invocation_context.invocation_id)


class _Shown:
    """What a step showed; it is there for as long as one of its tools is."""

    def __init__(self, step: Step) -> None:
        self.step = step


class _AdkTool(BaseTool):
    """A tool of a step."""

    def __init__(self, tool: Tool, run: Run, shown: _Shown) -> None:
        super().__init__(
            name=tool.name,
            description=tool.description,
            custom_metadata={"server": tool.server, "annotations": tool.spec.get("annotations")},
        )
        self._tool = tool
        self._run = run
        self._shown = shown

    def _get_declaration(self) -> FunctionDeclaration:
        return FunctionDeclaration(
            name=self._tool.name, description=self._tool.description, parameters_json_schema=self._tool.input_schema
        )

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        """Call it, in its step. Where it has to be approved, ask for that instead."""
        name = self._tool.name
        try:
            step = self._shown.step
            if step.released:
                step = await self._run.current_step()
            if step.needs_approval(name) and self._run.asks:
                if tool_context.tool_confirmation is None:
                    tool_context.request_confirmation(hint=f"Approve or reject the call of {name}: {args}")
                    tool_context.actions.skip_summarization = True
                    return {"error": "this call waits to be approved"}
                if not tool_context.tool_confirmation.confirmed:
                    return {"error": "the user did not approve this call; it was not made"}
            return (await step.call(name, args)).value
        except McpoolError as error:
            return {"error": str(error)}
