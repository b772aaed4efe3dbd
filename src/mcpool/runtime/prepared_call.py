"""One call of a tool, fixed when it is prepared: client, view, policy, and the definition that it is based on.

Whatever is published, approved or changed meanwhile, it goes to the backend that its step pinned, under the policy of
its step, and only if the tool is still what it was prepared for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import msgspec

from mcpool.backend.connection import Connection
from mcpool.backend.tools import ToolDefinition
from mcpool.catalog.connector import Connector
from mcpool.catalog.toolschema import is_model_visible
from mcpool.errors import CallTimeout, ServerError, ServerUnavailable, ToolChanged, ToolNotFound
from mcpool.runtime.admission import admit, verdict
from mcpool.runtime.approval import runs_unseen
from mcpool.runtime.policy import Policy
from mcpool.runtime.progress import OnProgress, ProgressSink
from mcpool.runtime.result import ToolResult
from mcpool.runtime.runtime import Binding
from mcpool.runtime.sending import PLAIN, Fields, Manner, send
from mcpool.runtime.step_state import StepState
from mcpool.runtime.view import View

Finish = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]
"""Turns the arguments of a call into those that are sent: it uploads a file, say, and puts the handle in its place."""


class PreparedCall:
    """A call that is ready to run, once. Made by `step.prepare(...)`; it ends with its step."""

    __slots__ = ("_approved", "_binding", "_fields", "_sent_to", "_shown", "_started", "_step", "tool")

    def __init__(
        self, step: StepState, binding: Binding, tool: str, fields: Fields, shown: ToolDefinition | None
    ) -> None:
        """`shown` is the definition that the caller was shown; None: the caller looks after that by itself."""
        self.tool = tool
        """The tool's raw name."""
        self._step = step
        self._binding = binding
        self._fields = fields
        self._shown = shown
        self._approved = shown
        self._started = False
        self._sent_to = 0

    def __repr__(self) -> str:
        return f"<PreparedCall of `{self.tool}` of `{self.server}` on {self._step.runtime!r}>"

    @property
    def server(self) -> str:
        """The server's name in the configuration."""
        return self._binding.config.name

    @property
    def arguments(self) -> bytes:
        """The arguments as JSON, as they were prepared."""
        return bytes(self._fields.get("arguments", b"{}"))

    @property
    def definition(self) -> ToolDefinition | None:
        """What the step showed of the tool; perhaps from a remembered list, so decide nothing by its annotations."""
        return self._shown

    @property
    def connector(self) -> Connector | None:
        """The connector that the step showed the tool as one of."""
        return None if self._shown is None else self.view.connector_of(self._shown)

    @property
    def plugin(self) -> str | None:
        """The plugin for which it is made: that of its connector, or of its server."""
        return self.view.plugin if self.connector is None else self.connector.plugin

    @property
    def view(self) -> View:
        """The filters, modes and time-outs that hold for it."""
        return self._binding.view

    @property
    def policy(self) -> Policy:
        """The policy that holds for it."""
        return self._step.runtime.policy

    async def run(
        self,
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        meta: Mapping[str, Any] | None = None,
        finish: Finish | None = None,
    ) -> ToolResult:
        """Wait for the server, compare, have it approved where that is needed, and send it.

        `timeout` in seconds can only shorten the configured one; time in which somebody is asked does not count.
        `finish` is called with the arguments once the call is approved and its tool found unchanged, and returns those
        that are sent; of a call that is refused it is never called.

        Raises: as `Step.call`; Closed if the step has ended; RuntimeError if it was run before.
        """
        manner = PLAIN
        if not (meta is None and on_progress is None and timeout is None):
            manner = Manner(
                meta=None if meta is None else {key: msgspec.json.encode(value) for key, value in meta.items()},
                sink=None if on_progress is None else ProgressSink(on_progress),
                progress=on_progress is not None,
                timeout=timeout,
            )
        self._begin()
        try:
            return ToolResult(await self._in_turn(manner, finish))
        except (ServerUnavailable, ToolChanged):
            self._sent_to = 0  # nothing was sent, so the step still has no state there
            raise
        finally:
            self._end()

    async def send(self, manner: Manner = PLAIN) -> bytes:
        """`run` for faces that speak MCP themselves, and whose clients say what runs side by side: the raw result."""
        self._begin()
        try:
            unseen = runs_unseen(self.policy.authority, self.view.rule(self.tool))
            if not unseen or (self.view.connectors is not None and self._shown is None):
                manner = await self._admitted(manner)
            return await self._send(self._fields, manner)
        except (ServerUnavailable, ToolChanged):
            self._sent_to = 0
            raise
        finally:
            self._end()

    # ------------------------------------------------------------------ within

    def _begin(self) -> None:
        if self._started:
            msg = f"`{self.server}`: this call of `{self.tool}` was run before; prepare another"
            raise RuntimeError(msg)
        self._step.ensure_open()
        self._started = True
        self._step.runtime.pin()  # it holds its runtime while somebody thinks about it, even if the step ends meanwhile

    def _end(self) -> None:
        if self._sent_to:
            self._step.generations.note(self._binding, self._sent_to)
        self._step.runtime.unpin()

    async def _in_turn(self, manner: Manner, finish: Finish | None) -> bytes:
        manner = await self._admitted(manner)
        fields = self._fields
        if finish is not None:
            fields = {**fields, "arguments": await self._finished(finish)}
        gate = self._step.gate
        if gate.bypassed:
            return await self._send(fields, manner)
        assert self._approved is not None
        alone = not self._binding.view.parallel and self._approved.annotations.read_only_hint is not True
        if not gate.enters(alone=alone):
            await gate.enter(alone=alone)
        try:
            return await self._send(fields, manner)
        finally:
            gate.leave(alone=alone)

    async def _admitted(self, manner: Manner) -> Manner:
        """How to send the call, once its server runs and it was approved where that is needed."""
        backend = self._binding.lease.backend
        connection = backend.current
        if connection is None or not connection.usable:
            connection, manner = await self._connected(manner)
        live = self._approved = self._unchanged(connection)
        step = self._step
        if verdict(step.user.approvals, step.runtime.policy, self._binding, live) == "approved":
            return manner
        arguments = self._fields.get("arguments", b"{}")
        if await admit(step.user.approvals, step.runtime.policy, self._binding, live, arguments, manner.sink):
            # What the server wants to know is asked as part of this call: a retry would be another to approve.
            manner = replace(manner, answer_input=True)
        return manner

    def _send(self, fields: Fields, manner: Manner) -> Awaitable[bytes]:
        view, approved = self._binding.view, self._approved
        if view.plugin is not None or view.connectors:
            manner = self._attributed(manner)
        check = None if approved is None else self._clear_to_send
        return send(self._step.runtime, self._binding, "tools/call", fields, manner, check=check, tool=self.tool)

    def _attributed(self, manner: Manner) -> Manner:
        """Say to a plugin's server, and to that for connectors, whose call it is, whatever the caller says of that."""
        said = self.view.attribution(self._approved)
        return replace(manner, meta={**(manner.meta or {}), **said}) if said else manner

    async def _connected(self, manner: Manner) -> tuple[Connection, Manner]:
        """The server's connection; waiting for it takes of the call's time."""
        loop = asyncio.get_running_loop()
        begun, limit = loop.time(), manner.limit(self.view)
        try:
            async with asyncio.timeout(limit):
                connection = await self._binding.lease.backend.connected()
        except TimeoutError:
            what = f"did not start within the request's time-out of {limit:g} s"
            raise CallTimeout(self.server, what) from None
        except ServerError as error:
            error.rename(self.server)
            raise
        return connection, replace(manner, spent=round(loop.time() - begun, 3))

    def _unchanged(self, connection: Connection) -> ToolDefinition:
        """The live definition, which is what an approval is about, if the call is based on an equal one."""
        live = connection.catalogue.by_name.get(self.tool)
        if self._shown is not None:
            self._check(self._shown, connection)
        view = self._binding.view
        if live is None or (view.connectors is not None and view.connector_of(live) is None):
            raise ToolNotFound(self.server, f"the server has no tool `{self.tool}`")
        return live

    async def _finished(self, finish: Finish) -> msgspec.Raw:
        current = self._binding.lease.backend.current
        if current is not None and self._approved is not None:
            self._check(self._approved, current)  # it may have changed while somebody thought about it
        arguments = cast("dict[str, Any]", msgspec.json.decode(self.arguments))
        return encoded(self.server, self.tool, await finish(arguments))

    def _check(self, known: ToolDefinition, connection: Connection) -> None:
        live = connection.catalogue.by_name.get(self.tool)
        if live is not known:
            if live is None:
                raise ToolChanged(
                    self.server, f"tool `{self.tool}` is no longer offered; look at the tools of the next step"
                )
            if not is_model_visible(live.raw):
                raise ToolChanged(
                    self.server,
                    f"tool `{self.tool}` is not available to the model any more; look at the tools of the next step",
                )
            if live.digest != known.digest or self.view.connector_of(live) != self.view.connector_of(known):
                raise ToolChanged(
                    self.server, f"tool `{self.tool}` changed after it was shown; look at the tools of the next step"
                )
        generations = self._step.generations
        if generations.used:
            generations.check(self._binding, connection)

    def _clear_to_send(self, connection: Connection) -> None:
        assert self._approved is not None
        self._check(self._approved, connection)
        self._sent_to = connection.generation


def encoded(server: str, tool: str, arguments: Mapping[str, Any]) -> msgspec.Raw:
    """Arguments as JSON.

    Raises:
        TypeError: they cannot be written as JSON.
    """
    try:
        return msgspec.Raw(msgspec.json.encode(arguments))
    except (TypeError, RecursionError, UnicodeEncodeError) as error:
        msg = f"`{server}`: the arguments of `{tool}` cannot be sent as JSON: {error}"
        raise TypeError(msg) from None
