"""Asking somebody whether a call may run, for one thread; and what they said for longer than that call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from mcpool.backend.holder import CallSink, ClientFacts, Question
from mcpool.backend.tools import ToolDefinition
from mcpool.config.server import ServerConfig
from mcpool.errors import ApprovalDenied, ConfigError, RpcError
from mcpool.runtime.approval_request import ONCE, ApprovalAnswer, ApprovalChoice, ApprovalRequest, approval_request
from mcpool.runtime.policy import OnApprove
from mcpool.runtime.remembered import ApprovalKey, RememberedApprovals, approval_key
from mcpool.threads.approval_form import approval_answer, approval_question
from mcpool.threads.seat import Listener

logger = logging.getLogger("mcpool")


class Keeper(Protocol):
    """Writes to the configuration what was approved for ever."""

    def can_keep(self, server: ServerConfig) -> bool:
        """Whether there is a configuration of the user's that can be written to."""
        ...

    async def keep(self, server: ServerConfig, tool: str, digest: str) -> None:
        """Write it, and have every thread go by it from its next step on.

        Raises:
            ConfigError: it could not be written.
        """
        ...


@dataclass(slots=True, eq=False)
class _Open:
    """One question that waits for `patience` seconds at most. `answer` is what settles it from elsewhere."""

    scope: asyncio.Timeout
    patience: float
    answer: ApprovalAnswer | None = None

    def settle(self, answer: ApprovalAnswer) -> None:
        """Take back the question: this is its answer."""
        if self.answer is None and not self.scope.expired():
            self.answer = answer
            self.scope.reschedule(asyncio.get_running_loop().time())


class Approvals:
    """The approvals of one thread. `remembered` may be shared with the threads of the same conversation."""

    def __init__(
        self,
        listener: Listener,
        client: ClientFacts,
        *,
        remembered: RememberedApprovals,
        keeper: Keeper | None,
    ) -> None:
        self.remembered = remembered
        self._listener = listener
        self._client = client
        self._keeper = keeper
        self._open: set[_Open] = set()
        self._gone: str | None = None

    def __repr__(self) -> str:
        return f"<Approvals [{len(self._open)} open, {len(self.remembered)} remembered]>"

    def remembers(self, server: ServerConfig, tool: ToolDefinition) -> bool:
        """Whether calls of this tool, as it is defined now, were approved for the conversation."""
        return approval_key(server, tool) in self.remembered

    async def ask(
        self,
        server: ServerConfig,
        tool: ToolDefinition,
        arguments: bytes,
        *,
        on_approve: OnApprove | None,
        sink: CallSink | None,
        rememberable: bool,
    ) -> None:
        """Return when the call is approved. Whoever else waits for the same tool is let in by an answer for longer.

        Raises:
            ApprovalDenied: it was refused, nobody answered in time, or there is nobody to ask.
            TypeError: `on_approve` returned something else than it may.
        """
        request = approval_request(server.name, tool, arguments, self._choices(server, rememberable))
        key = approval_key(server, tool)
        waiting = _Open(asyncio.timeout(server.question_timeout), server.question_timeout)
        with ExitStack() as stack:
            if rememberable:
                stack.enter_context(self.remembered.waiting(key, lambda: waiting.settle(ApprovalAnswer("once"))))
            answer = (await self._answer(waiting, request, on_approve, sink)).within(request.choices)
        if answer.choice == "deny":
            because = f" was denied: {answer.reason}" if answer.reason else " was not approved"
            raise ApprovalDenied(server.name, f"the call of `{request.tool}`{because}; nothing was sent")
        if answer.choice != "once":
            self.remembered.add(key)
        if answer.choice == "always":
            await self._keep(server, key)

    def withdraw(self, reason: str) -> None:
        """Nobody is asked any more, until `resume`; what is open counts as not approved."""
        self._gone = reason
        for waiting in self._open:
            waiting.settle(ApprovalAnswer("deny", reason))

    def resume(self) -> None:
        """Ask again."""
        self._gone = None

    # ------------------------------------------------------------------ within

    def _choices(self, server: ServerConfig, rememberable: bool) -> tuple[ApprovalChoice, ...]:
        if not rememberable:
            return ONCE
        if self._keeper is None or not self._keeper.can_keep(server):
            return ("once", "session", "deny")
        return ("once", "session", "always", "deny")

    async def _answer(
        self, waiting: _Open, request: ApprovalRequest, on_approve: OnApprove | None, sink: CallSink | None
    ) -> ApprovalAnswer:
        if self._gone is not None:
            return ApprovalAnswer("deny", self._gone)
        self._open.add(waiting)
        try:
            async with waiting.scope:
                if on_approve is not None:
                    return await _called(on_approve, request)
                return await self._asked(request, sink, waiting.patience)
        except TimeoutError:
            if not waiting.scope.expired():
                raise  # the program's own
            return waiting.answer or ApprovalAnswer("deny", f"nobody answered within {waiting.patience:g} s")
        finally:
            self._open.discard(waiting)

    async def _asked(self, request: ApprovalRequest, sink: CallSink | None, patience: float) -> ApprovalAnswer:
        if not self._client.elicitation_form:
            raise ApprovalDenied(
                request.server,
                f"the call of `{request.tool}` needs an approval and there is nobody to ask; "
                f'set `approval_mode = "approve"` for it, or use a client that can be asked',
            )
        question = Question(request.server, "elicitation/create", approval_question(request), sink, patience)
        try:
            return approval_answer(await self._listener.on_question(question))
        except RpcError as error:
            what = f"the call of `{request.tool}` needs an approval, and who has to give it could not be asked"
            raise ApprovalDenied(request.server, f"{what}: {error.reason}; nothing was sent") from None

    async def _keep(self, server: ServerConfig, key: ApprovalKey) -> None:
        assert self._keeper is not None
        try:
            await self._keeper.keep(server, key.tool, key.digest)
        except ConfigError as error:
            logger.warning("`%s`: `%s` is approved for this conversation only: %s", key.server, key.tool, error)


async def _called(on_approve: OnApprove, request: ApprovalRequest) -> ApprovalAnswer:
    answer = on_approve(request)
    if inspect.isawaitable(answer):
        answer = await answer
    match answer:
        case ApprovalAnswer():
            return answer
        case True:
            return ApprovalAnswer("once")
        case False | None:
            return ApprovalAnswer("deny")
    msg = f"on_approve must return a bool or an ApprovalAnswer, not {type(answer).__name__}; nothing was sent"
    raise TypeError(msg)
