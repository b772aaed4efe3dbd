"""One conversation: it owns one runtime slot, and its seat at each server."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import msgspec

from mcpool.backend.holder import ClientFacts, Question, severity
from mcpool.config.server import ApprovalMode, ServerConfig
from mcpool.errors import ApprovalDenied, Closed, ServerUnavailable, WrongProcess
from mcpool.pool.pool import Member, Pool
from mcpool.runtime.policy import OnApprove, Policy
from mcpool.runtime.runtime import Binding, Runtime
from mcpool.runtime.slot import RuntimeSlot
from mcpool.runtime.step import Step
from mcpool.runtime.tool_sets import ToolSets
from mcpool.runtime.user import ApprovalRequest
from mcpool.runtime.view import view_of
from mcpool.threads.lost_state import LostState
from mcpool.threads.seat import Listener, Seat


class Thread:
    """One conversation. Get one from `host.thread(...)`; use it with `async with`, or close it with `close()`.

    Entering it waits for the required servers, and raises what `require` does.
    Any task of the host's event loop may use or close it.
    """

    def __init__(
        self,
        id: str,
        pool: Pool,
        sets: ToolSets,
        *,
        root: str,
        conversation: str,
        cwd: str,
        principal: str,
        client: ClientFacts,
        listener: Listener,
        on_approve: OnApprove | None,
        default_mode: ApprovalMode | None,
        grace: float,
        servers: Sequence[ServerConfig],
        only: Collection[str] | None,
        on_close: Callable[[Thread], None],
    ) -> None:
        self.id = id
        self.root = root
        self.conversation = conversation
        """The id of the thread whose processes these are, where servers have one for each thread."""
        self.cwd = cwd
        self.principal = principal
        self.client = client
        self._pool = pool
        self._sets = sets
        self._listener = listener
        self._policy = Policy(default_mode or ("approve" if on_approve is None else "auto"), on_approve)
        self._grace = grace
        self._on_close = on_close
        self._only = only
        self._slot = RuntimeSlot()
        self._seats: dict[str, Seat] = {}
        self._levels: dict[str | None, str | None] = {}
        self._uris: dict[str, set[str]] = {}
        self._revision = 0
        self._lost_state = LostState(pool)
        self._closed = False
        self._pid = os.getpid()
        self.refresh(servers)

    def __repr__(self) -> str:
        return f"<Thread {self.id} [{'closed' if self._closed else self._slot.current}]>"

    async def __aenter__(self) -> Self:
        try:
            await self.require()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ steps

    def step(self) -> Step:
        """Begin a step: `async with thread.step() as step`. See `Step`.

        Raises:
            Closed: the thread is closed.
        """
        return self.capture()

    def capture(self) -> Step:
        """Pin the current runtime, without waiting for anything; the caller releases the step.

        Raises:
            Closed: the thread is closed.
        """
        runtime = self._slot.current
        if runtime is None:
            raise Closed(f"thread {self.id} is closed")
        if os.getpid() != self._pid:
            raise WrongProcess(f"thread {self.id} was opened before a fork; open a host in the child process")
        return Step(runtime, self, self._sets, self._grace, self._lost_state.since_last_time(runtime))

    async def ready(self, timeout: float | None = None) -> dict[str, ServerUnavailable | None]:
        """Start every server and wait until each is ready or failed; None per server that is ready.

        Raises:
            TimeoutError: not all were done within `timeout` seconds.
        """
        runtime = self._slot.current
        if runtime is None:
            raise Closed(f"thread {self.id} is closed")
        async with asyncio.timeout(timeout):
            outcomes = await asyncio.gather(*(_outcome(binding) for binding in runtime.bindings.values()))
        found: dict[str, ServerUnavailable | None] = dict(zip(runtime.bindings, outcomes, strict=True))
        return found | {name: ServerUnavailable(name, reason) for name, reason in runtime.unavailable.items()}

    # ------------------------------------------------------------------ what it wants to hear

    async def set_log_level(self, server: str | None, level: str | None) -> None:
        """Hear log messages of this severity and above, from one server or, with None, from all.

        Raises:
            ValueError: there is no such severity.
            RpcError, CallTimeout: a server refuses, or does not answer.
        """
        if level is not None:
            severity(level)
        if server is None:
            self._levels.clear()
        self._levels[server] = level
        runtime = self._slot.current
        if runtime is None:
            return
        leases = [binding.lease for name, binding in runtime.bindings.items() if server in (None, name)]
        settings = (lease.backend.wishes.set_level(lease.holder, level) for lease in leases)
        for outcome in await asyncio.gather(*settings, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def subscribe(self, server: str, uri: str) -> None:
        """Hear of updates of a resource. Raises: as `Step.call`, and ServerNotFound."""
        step = self.capture()
        try:
            binding = step.binding(server)
            await binding.lease.backend.wishes.subscribe(binding.lease.holder, uri, binding.view.tool_timeout)
            self._uris.setdefault(server, set()).add(uri)
        finally:
            step.release()

    async def unsubscribe(self, server: str, uri: str) -> None:
        """The opposite of `subscribe`."""
        self._uris.get(server, set()).discard(uri)
        step = self.capture()
        try:
            binding = step.binding(server)
            await binding.lease.backend.wishes.unsubscribe(binding.lease.holder, uri, binding.view.tool_timeout)
        finally:
            step.release()

    # ------------------------------------------------------------------ what it tells

    def set_sandbox_state(self, value: object) -> None:
        """Tell with each call of later steps in what sandbox this thread runs; None tells nothing.

        It is any JSON value, and goes as it is, in `_meta`, to the servers that declare that they want to know it.

        Raises:
            TypeError: it cannot be written as JSON.
        """
        state = None if value is None else msgspec.json.encode(value)
        self._policy = replace(self._policy, sandbox_state=state)
        self.refresh(self._servers)

    # ------------------------------------------------------------------ its runtime

    def refresh(self, servers: Sequence[ServerConfig]) -> None:
        """Resolve these servers and publish a runtime for them, unless nothing changed.

        Running steps keep the one that they have.
        """
        self._servers = servers
        if self._closed:
            return
        member = Member(thread=self.conversation, root=self.root, cwd=self.cwd, principal=self.principal)
        bindings: dict[str, Binding] = {}
        unavailable: dict[str, str] = {}
        for server in servers:
            if not server.enabled or (self._only is not None and server.name not in self._only):
                continue
            try:
                lease = self._pool.acquire(server, self.seat(server.name), member)
            except ServerUnavailable as error:
                unavailable[server.name] = error.message
                continue
            level = self._levels.get(server.name, self._levels.get(None))
            lease.backend.wishes.carry_over(lease.holder, level, self._uris.get(server.name, ()))
            if server.start == "eager" or server.required:
                lease.backend.begin()
            bindings[server.name] = Binding(server, view_of(server), lease)
        current = self._slot.current
        if current is not None and current.same_as(bindings, unavailable, self._policy):
            for binding in bindings.values():
                binding.lease.release()
            return
        self._revision += 1
        self._slot.publish(Runtime(self._revision, bindings, unavailable, self._policy))

    async def require(self) -> None:
        """Wait for the required servers.

        Raises:
            ServerUnavailable: one of them could not be started; the message names it and says why.
        """
        runtime = self._slot.current
        assert runtime is not None
        required = [binding for binding in runtime.bindings.values() if binding.config.required]
        for outcome in await asyncio.gather(*(_outcome(binding) for binding in required)):
            if outcome is not None:
                raise outcome

    @property
    def runtime(self) -> Runtime | None:
        """The runtime that the next step will pin; None once the thread is closed."""
        return self._slot.current

    async def close(self) -> None:
        """Give everything back. Steps that still run keep their runtime until they end. Safe to call twice."""
        if not self._closed:
            self._closed = True
            if self._slot.current is not None:
                for binding in self._slot.current.bindings.values():
                    binding.lease.dismiss()
            self._slot.publish(None)
            self._on_close(self)

    # ------------------------------------------------------------------ what steps need of it (runtime.user.User)

    async def approve(self, request: ApprovalRequest, policy: Policy) -> bool:
        """Ask the program, or the user through an elicitation.

        Raises:
            ApprovalDenied: there is neither.
        """
        if policy.on_approve is not None:
            answer = policy.on_approve(request)
            return bool(await answer) if inspect.isawaitable(answer) else bool(answer)
        if not self.client.elicitation_form:
            raise ApprovalDenied(
                request.server,
                f"the call of `{request.tool}` needs an approval and there is nobody to ask; "
                f'set `approval_mode = "approve"` for it, or use a client that can be asked',
            )
        answer = await self._listener.on_question(_approval_question(request))
        return msgspec.json.decode(answer, type=_Answer).action == "accept"

    def seat(self, server: str) -> Seat:
        """This thread's holder for a server, always the same."""
        seat = self._seats.get(server)
        if seat is None:
            seat = self._seats[server] = Seat(self.id, server, self.client, self._listener)
        return seat


class _Answer(msgspec.Struct):
    action: str = "decline"


def _approval_question(request: ApprovalRequest) -> Question:
    shown = request.arguments.decode("utf-8", "replace")
    if len(shown) > 1000:
        shown = f"{shown[:1000]}... ({len(shown)} characters)"
    params: dict[str, object] = {
        "message": f"Allow {request.server} to run `{request.tool}` with {shown}?",
        "requestedSchema": {"type": "object", "properties": {}},
    }
    return Question(request.server, "elicitation/create", msgspec.json.encode(params))


async def _outcome(binding: Binding) -> ServerUnavailable | None:
    try:
        await binding.lease.backend.connected()
    except ServerUnavailable as error:
        error.rename(binding.config.name)
        return error
    return None
