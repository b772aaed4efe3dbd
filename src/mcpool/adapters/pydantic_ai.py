"""mcpool for Pydantic AI (`pip install "mcpool[pydantic-ai]"`).

::

    async with mcpool.open("mcp.json") as host:
        agent = Agent("openai:gpt-5.5", toolsets=[McpoolToolset(host)])
        await agent.run("...")

One object serves any number of agents and of runs at the same time. Each run is a thread of the host, from `for_run` to
its end, and each run step, as `for_run_step` has it, a step: its calls go to the very processes whose tools it showed.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any, Self, Unpack

from pydantic_ai import AbstractToolset, RunContext, ToolDefinition
from pydantic_ai.exceptions import ApprovalRequired, ModelRetry, ToolFailed, UserError
from pydantic_ai.messages import BinaryContent
from pydantic_ai.tools import AgentDepsT
from pydantic_ai.toolsets import ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from mcpool.adapters.run import Run, ThreadOptions, open_run
from mcpool.errors import McpoolError
from mcpool.host.host import Host
from mcpool.runtime.result import ToolResult
from mcpool.runtime.tool_set import Tool
from mcpool.threads.thread import Thread

_ANY_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))


class McpoolToolset(AbstractToolset[AgentDepsT]):
    """All servers of a host, or those of `only`.

    A call that the configuration wants approved is deferred, as Pydantic AI's own approvals are
    (`DeferredToolRequests`), unless there is an `on_approve`. A tool that says that it failed is tried again as by
    Pydantic AI's own toolset; what failed on the way to it is told to the model, and nothing else.
    """

    def __init__(
        self,
        host: Host,
        *,
        id: str | None = "mcpool",
        thread: Callable[[RunContext[AgentDepsT]], Thread | None] | None = None,
        max_retries: int | None = None,
        **options: Unpack[ThreadOptions],
    ) -> None:
        """`thread` gives the thread for a run, where it shall be that of a conversation with several runs (None: one of
        its own); it is not closed here. `max_retries` is that of the tools, and `options` are those of the threads that
        are opened here."""
        self._host = host
        self._id = id
        self._thread_of = thread
        self._max_retries = max_retries
        self._options = options
        self._thread: Thread | None = None
        self._for_run = False
        self._run: Run | None = None

    @property
    def id(self) -> str | None:
        """Its name among the toolsets of an agent."""
        return self._id

    async def for_run(self, ctx: RunContext[AgentDepsT]) -> Self:
        """A copy for this run alone."""
        mine = copy.copy(self)
        mine._for_run = True
        mine._thread = None if self._thread_of is None else self._thread_of(ctx)
        return mine

    async def __aenter__(self) -> Self:
        if self._for_run:
            self._run = open_run(self._host, self._thread, self._options)
        return self

    async def __aexit__(self, *args: object) -> None:
        if self._run is not None:
            self._run.end()
            self._run = None

    async def for_run_step(self, ctx: RunContext[AgentDepsT]) -> Self:
        """Begin a step. Raises: as `Run.next_step`."""
        await self._in_run.next_step()
        return self

    async def get_tools(self, ctx: RunContext[AgentDepsT]) -> dict[str, ToolsetTool[AgentDepsT]]:
        """The tools of the step. Raises: as `Run.next_step`."""
        step = await self._in_run.current_step()
        retries = ctx.max_retries if self._max_retries is None else self._max_retries
        return {
            name: ToolsetTool(toolset=self, tool_def=_definition(tool), max_retries=retries, args_validator=_ANY_OBJECT)
            for name, tool in step.tools.items()
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[AgentDepsT], tool: ToolsetTool[AgentDepsT]
    ) -> Any:
        """Call a tool in the step that showed it.

        Raises:
            ApprovalRequired: it has to be approved first.
            ModelRetry: the tool says that it failed.
            ToolFailed: it could not be called, or it is not known what became of the call; the model is told.
        """
        run = self._in_run
        step = await run.current_step()
        try:
            if not ctx.tool_call_approved and run.needs_approval(name):
                raise ApprovalRequired
            result = await step.call(name, tool_args)
        except McpoolError as error:
            raise ToolFailed(str(error)) from error
        if result.is_error:
            raise ModelRetry(result.for_model())
        return for_model(result)

    @property
    def _in_run(self) -> Run:
        if self._run is None:
            msg = "a McpoolToolset lists and calls tools in a run of an agent only; outside of one use `host.thread()`"
            raise UserError(msg)
        return self._run


def for_model(result: ToolResult) -> Any:
    """What the model is given: the structured content if all else is text, or the blocks."""
    blocks = result.content
    if result.structured is not None and all(block.get("type") == "text" for block in blocks):
        return result.structured
    parts = [_part(block) for block in blocks]
    return parts[0] if len(parts) == 1 else parts


def _part(block: dict[str, Any]) -> Any:
    match block:
        case {"type": "text", "text": str(text)}:
            return _value(text)
        case {"type": "image" | "audio", "data": str(data), "mimeType": str(kind)}:
            return BinaryContent.narrow_type(BinaryContent(base64.b64decode(data), media_type=kind))
        case {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case {"type": "resource", "resource": {"blob": str(data), **rest}}:
            kind = str(rest.get("mimeType") or "application/octet-stream")
            return BinaryContent.narrow_type(BinaryContent(base64.b64decode(data), media_type=kind))
        case {"type": "resource_link", "uri": uri}:
            return uri
        case _:
            return block


def _value(text: str) -> Any:
    """JSON in a text is the value, as in Pydantic AI's own toolset."""
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text


def _definition(tool: Tool) -> ToolDefinition:
    spec = tool.spec
    return ToolDefinition(
        name=tool.name,
        description=tool.description,
        parameters_json_schema=tool.input_schema,
        return_schema=spec.get("outputSchema") or None,
        metadata={"meta": spec.get("_meta"), "annotations": spec.get("annotations"), "server": tool.server},
    )
