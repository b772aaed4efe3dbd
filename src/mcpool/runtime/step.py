"""One sampling of the model and the tool calls that it makes, all through the runtime that was current at its start."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

import msgspec

from mcpool.backend.holder import CallSink
from mcpool.backend.tools import Catalogue, ToolDefinition
from mcpool.config.server import Surface
from mcpool.errors import ServerNotFound, ServerUnavailable, ToolNotFound
from mcpool.runtime.admission import verdict
from mcpool.runtime.origin import Origin
from mcpool.runtime.prepared_call import PreparedCall, encoded
from mcpool.runtime.progress import OnProgress
from mcpool.runtime.result import ToolResult
from mcpool.runtime.runtime import Binding, Runtime
from mcpool.runtime.sending import Fields, Manner, send
from mcpool.runtime.step_state import StepState
from mcpool.runtime.tool_set import Tool, ToolSet
from mcpool.runtime.tool_sets import Shown, ToolSets
from mcpool.runtime.user import User
from mcpool.wire.session import Session


class Step:
    """Pins a runtime: servers, tools and policy stay as they were when the step began.

    Begun by `thread.step()`, which takes over what changed and waits for servers; or taken by `thread.capture()`, which
    does nothing but copy a reference. Whoever has it ends it, with `release()` or a `with` block.
    """

    __slots__ = (
        *("_catalogues", "_loop", "_origin", "_pid", "_runtime", "_sets", "_state", "_tools", "_user"),
        "lost_state",
    )

    def __init__(
        self, runtime: Runtime, user: User, sets: ToolSets, begun: Origin, lost_state: tuple[str, ...] = ()
    ) -> None:
        """`begun` is where in the program."""
        runtime.pin()
        self.lost_state = lost_state
        """The servers that lost what their processes had in memory since the thread's step before. Told once."""
        self._runtime = runtime
        self._user = user
        self._sets = sets
        self._origin = begun
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._catalogues: dict[str, Catalogue] | None = None
        self._tools: Shown | None = None
        self._state = StepState(runtime, user)

    def __repr__(self) -> str:
        return f"<Step on {self._runtime!r}{' (released)' if self.released else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        state: StepState | None = getattr(self, "_state", None)
        if state is None or state.released or os.getpid() != self._pid:
            return
        what = f"{self!r}, begun at {self._origin}, was never released; use `async with thread.step()`"
        state.released = True
        with suppress(RuntimeError):  # its loop is closed, and so is all that it held
            self._loop.call_soon_threadsafe(self._runtime.unpin)
        warnings.warn_explicit(what, ResourceWarning, *self._origin)

    def release(self) -> None:
        """End the step. Safe to call twice."""
        if not self._state.released:
            self._state.released = True
            self._runtime.unpin()

    @property
    def released(self) -> bool:
        """Whether it has ended."""
        return self._state.released

    # ------------------------------------------------------------------ what it shows

    @property
    def servers(self) -> tuple[str, ...]:
        """The enabled servers, in the order of the configuration."""
        return tuple(self._runtime.bindings)

    @property
    def bindings(self) -> Mapping[str, Binding]:
        """The leases and views that it pins, by server."""
        return self._runtime.bindings

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Servers that cannot be used at all, and why."""
        return self._runtime.unavailable

    @property
    def tools(self) -> ToolSet:
        """The tools to show to the model: those of every server whose list is known, unless the configuration says that
        they are not shown directly."""
        return self._shown.on("direct")

    def tools_on(self, surface: Surface) -> ToolSet:
        """The tools to show elsewhere: where the model searches for tools (`deferred`), or calls them from code
        (`code_mode`)."""
        return self._shown.on(surface)

    @property
    def _shown(self) -> Shown:
        if self._tools is None:
            self._tools = self._runtime.shown(self.pin_catalogues(), self._sets)
        return self._tools

    async def facts(self, server: str) -> Session:
        """What the server said of itself: `era`, `version`, `server_info`, `capabilities`, `instructions`.

        Raises:
            ServerNotFound, ServerUnavailable.
        """
        backend = self.binding(server).lease.backend
        return backend.session or (await backend.connected()).session

    async def tool_definitions(self, server: str) -> tuple[ToolDefinition, ...]:
        """The tools of one server as it defines them, after this thread's filters.

        Raises:
            ServerNotFound, ServerUnavailable.
        """
        binding = self.binding(server)
        catalogue = binding.lease.backend.catalogue or (await binding.lease.backend.connected()).catalogue
        return binding.view.select(catalogue.tools)

    # ------------------------------------------------------------------ what it calls

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> ToolResult:
        """Call a tool by the name that `tools` gives it. `timeout` in seconds can only shorten the configured one.

        Raises:
            ToolNotFound: the step was not shown such a tool.
            ToolChanged: the server's tool is no longer what was shown; nothing was sent.
            ApprovalDenied: it needs an approval that was not given; nothing was sent.
            ServerUnavailable, CallOutcomeUnknown, CallTimeout, RpcError, MessageTooLarge: as they say.
        """
        return await self.prepare(name, arguments).run(timeout=timeout, on_progress=on_progress, meta=meta)

    def prepare(self, name: str, arguments: Mapping[str, Any] | None = None) -> PreparedCall:
        """Fix a call without doing anything yet; `await prepared.run()` runs it, once, while the step lasts.

        Raises:
            ToolNotFound: the step was not shown such a tool.
            TypeError: the arguments cannot be written as JSON.
        """
        tool = self._tool(name)
        fields = {"name": tool.raw_name_json, "arguments": encoded(tool.server, tool.raw_name, arguments or {})}
        return self._prepared(self.binding(tool.server), tool.raw_name, fields, tool.definition)

    def needs_approval(self, name: str) -> bool:
        """Whether a call of this tool, as it was shown, would be put to somebody: for whoever asks before the call.

        The call itself goes by what the server says then.

        Raises:
            ToolNotFound: the step was not shown such a tool.
        """
        tool = self._tool(name)
        binding = self.binding(tool.server)
        return verdict(self._user.approvals, self._runtime.policy, binding, tool.definition) == "ask"

    async def read_resource(self, server: str, uri: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Read a resource; the value is the protocol's `ReadResourceResult`. Raises: as `call`."""
        return await self._value(server, "resources/read", {"uri": uri}, timeout)

    async def get_prompt(
        self, server: str, name: str, arguments: Mapping[str, str] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Get a prompt; the value is the protocol's `GetPromptResult`. Raises: as `call`."""
        return await self._value(server, "prompts/get", {"name": name, "arguments": dict(arguments or {})}, timeout)

    async def resources(self, server: str) -> list[dict[str, Any]]:
        """All resources that a server lists. Raises: as `call`."""
        return await self._listed(server, "resources/list", "resources")

    async def resource_templates(self, server: str) -> list[dict[str, Any]]:
        """All resource templates that a server lists. Raises: as `call`."""
        return await self._listed(server, "resources/templates/list", "resourceTemplates")

    async def prompts(self, server: str) -> list[dict[str, Any]]:
        """All prompts that a server lists. Raises: as `call`."""
        return await self._listed(server, "prompts/list", "prompts")

    async def relay(
        self,
        server: str,
        method: str,
        fields: Fields,
        *,
        meta: Fields | None = None,
        sink: CallSink | None = None,
        progress: bool = False,
        timeout: float | None = None,
        answer_input: bool = True,
    ) -> bytes:
        """Send any request to one server and return its raw result: the door for faces that speak MCP themselves.

        With `answer_input`, a modern server's demand for input is answered through the thread; else it is the result,
        unless somebody was asked to approve the call.
        Filters and approval modes hold here too. Raises: as `call`, and ServerNotFound.
        """
        binding = self.binding(server)
        manner = Manner(meta=meta, sink=sink, progress=progress, timeout=timeout, answer_input=answer_input)
        if method != "tools/call":
            return await self._sent(binding, method, fields, manner)
        try:
            tool = msgspec.json.decode(fields["name"], type=str)
        except (KeyError, msgspec.DecodeError):
            raise ToolNotFound(server, "the call names no tool") from None
        return await self._prepared(binding, tool, fields, None).send(manner)

    # ------------------------------------------------------------------ within

    def _tool(self, name: str) -> Tool:
        try:
            return self._shown.callable[name]
        except KeyError:
            raise ToolNotFound("mcpool", self._why_not_shown(name)) from None

    def _prepared(self, binding: Binding, tool: str, fields: Fields, shown: ToolDefinition | None) -> PreparedCall:
        if not binding.view.allows(tool):
            raise ToolNotFound(binding.config.name, f"tool `{tool}` is not enabled for this thread")
        return PreparedCall(self._state, binding, tool, fields, shown)

    async def _value(
        self, server: str, method: str, params: Mapping[str, object], timeout: float | None
    ) -> dict[str, Any]:
        fields = {key: msgspec.json.encode(value) for key, value in params.items()}
        raw = await self._sent(self.binding(server), method, fields, Manner(timeout=timeout))
        return cast("dict[str, Any]", msgspec.json.decode(raw))

    async def _sent(self, binding: Binding, method: str, fields: Fields, manner: Manner) -> bytes:
        self._runtime.pin()  # the request holds it, even if the step ends meanwhile
        try:
            return await send(self._runtime, binding, method, fields, manner)
        finally:
            self._runtime.unpin()

    async def _listed(self, server: str, method: str, key: str) -> list[dict[str, Any]]:
        binding = self.binding(server)
        items = await binding.lease.list_all(method, key, timeout=binding.view.tool_timeout)
        return [cast("dict[str, Any]", msgspec.json.decode(item)) for item in items]

    def binding(self, server: str) -> Binding:
        """The pinned lease and view of a server.

        Raises:
            Closed, ServerNotFound, ServerUnavailable.
        """
        self._state.ensure_open()
        binding = self._runtime.bindings.get(server)
        if binding is None:
            reason = self._runtime.unavailable.get(server)
            if reason is not None:
                raise ServerUnavailable(server, reason)
            known = ", ".join(self._runtime.bindings) or "none"
            raise ServerNotFound(server, f"no enabled server has this name; there are: {known}")
        return binding

    def ensure_open(self) -> None:
        """Raises: Closed, if the step has ended."""
        self._state.ensure_open()

    def _why_not_shown(self, name: str) -> str:
        starting = ", ".join(self.tools.pending)
        late = f"; not started yet: {starting} (`await thread.ready()` waits for them)" if starting else ""
        return f"this step shows no tool `{name}`; `step.tools` lists those that it shows{late}"

    def pin_catalogues(self) -> dict[str, Catalogue]:
        """Show, from now on, the tools that are known now."""
        if self._catalogues is None:
            self._catalogues = {
                name: catalogue
                for name, binding in self._runtime.bindings.items()
                if (catalogue := binding.lease.backend.catalogue) is not None
            }
        return self._catalogues
