"""One request through a binding: its runtime is held meanwhile, and a modern server's demands for input are met."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from mcpool.backend.connection import Connection
from mcpool.backend.holder import CallSink
from mcpool.errors import ServerError
from mcpool.runtime.input_required import drive, input_required
from mcpool.runtime.runtime import Binding, Runtime
from mcpool.runtime.view import View

Fields = Mapping[str, bytes | msgspec.Raw]
"""The params of a request, one level deep: field name to raw JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a request is sent."""

    meta: Fields | None = None
    sink: CallSink | None = None
    progress: bool = False
    timeout: float | None = None
    """Seconds; only shortens the configured one."""
    spent: float = 0.0
    """Seconds of it that are gone already."""
    answer_input: bool = True
    """Answer a modern server's demand for input through the thread; else the demand is the result."""

    def limit(self, view: View) -> float:
        """The seconds that are left to a request."""
        whole = view.tool_timeout if self.timeout is None else min(self.timeout, view.tool_timeout)
        return max(0.0, whole - self.spent)


PLAIN = Manner()


async def send(
    runtime: Runtime,
    binding: Binding,
    method: str,
    fields: Fields,
    manner: Manner = PLAIN,
    *,
    check: Callable[[Connection], None] | None = None,
    tool: str | None = None,
) -> bytes:
    """Send it and return the raw result; the caller has the runtime pinned.

    Raises: as `Lease.request`, errors under the name that the thread knows.
    """
    lease = binding.lease
    try:
        raw = await _request(runtime, binding, method, fields, manner, check, tool)
        if not manner.answer_input:
            return raw
        session = lease.backend.session
        if session is None or session.era != "modern":
            return raw
        demand = input_required(raw)
        if demand is None:
            return raw

        def request(more: Fields) -> Awaitable[bytes]:
            return _request(runtime, binding, method, {**fields, **more}, manner, check, tool)

        return await drive(lease.backend.name, demand, lease.holder, manner.sink, request)
    except ServerError as error:
        error.rename(binding.config.name)
        raise


def _request(
    runtime: Runtime,
    binding: Binding,
    method: str,
    fields: Fields,
    manner: Manner,
    check: Callable[[Connection], None] | None,
    tool: str | None,
) -> Awaitable[bytes]:
    lease, view = binding.lease, binding.view
    return lease.sender(
        method,
        fields,
        holder=lease.holder,
        timeout=view.tool_timeout if manner is PLAIN else manner.limit(view),
        timeout_max=view.timeout_max if manner.timeout is None else None,
        meta=manner.meta,
        sandbox=runtime.policy.sandbox_state,
        sink=manner.sink,
        progress=manner.progress,
        check=check,
        tool=tool,
        retry=view.retry if tool is None else view.retry_of(tool),
    )
