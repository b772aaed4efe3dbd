"""What a server asks while it works: find the thread whose call caused it, let it answer, carry the answer back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcpool.backend.client_side import ROOTS, lacking, roots_result
from mcpool.backend.holder import Holder, Question, Root
from mcpool.backend.holders import Holders, owners
from mcpool.backend.routing import Decline, route
from mcpool.errors import RpcError
from mcpool.wire.engine import Engine, Inbound
from mcpool.wire.revisions import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND

_ASKING = frozenset({"elicitation/create", "sampling/createMessage"})

MAX_OPEN = 64
"""Questions of one connection that may be open at a time."""


_LEFT = "the client whose request this was has left"


class _Asked:
    """How long one owner has been kept by open questions."""

    __slots__ = ("open", "since", "total")

    def __init__(self) -> None:
        self.open = 0
        self.since = 0.0
        self.total = 0.0


class Questions:
    """The open questions of one connection."""

    def __init__(
        self,
        server: str,
        engine: Engine,
        holders: Holders,
        spawn: Callable[[asyncio.Task[None]], None],
        *,
        roots: tuple[Root, ...] | None,
        on_roots_wanted: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._server = server
        self._engine = engine
        self._holders = holders
        self._spawn = spawn
        self._roots = roots
        self._on_roots_wanted = on_roots_wanted
        self._loop = loop
        self._open: dict[bytes, tuple[Holder, asyncio.Task[None]]] = {}
        self._asked: dict[Holder, _Asked] = {}
        self.asked_ever = False

    def receive(self, inbound: Inbound) -> None:
        """Answer a request of the server, now or when its owner has."""
        assert inbound.id is not None
        if inbound.method == ROOTS:
            self._answer_roots(inbound)
        elif inbound.method in _ASKING:
            self._ask(inbound)
        else:
            self._engine.respond_error(inbound.id, METHOD_NOT_FOUND, f"{inbound.method} is not offered by this client")

    def withdraw(self, id: bytes) -> None:
        """The server no longer wants the answer to this request."""
        _, task = self._open.pop(id, (None, None))
        if task is not None:
            task.cancel()

    def forget(self, holder: Holder) -> None:
        """This holder has left, and so have its requests."""
        self.dismiss(holder)
        self._asked.pop(holder, None)

    def dismiss(self, holder: Holder) -> None:
        """Nobody is there any more to answer what this holder was asked; its requests may go on."""
        for id in [id for id, (owner, _) in self._open.items() if owner is holder]:
            self.withdraw(id)
            self._engine.respond_error(id, INVALID_REQUEST, _LEFT)

    def asked_time(self, owner: Holder, now: float) -> float:
        """Seconds for which this owner has been kept by questions of this connection so far."""
        asked = self._asked.get(owner)
        if asked is None:
            return 0.0
        return asked.total + (now - asked.since if asked.open else 0.0)

    def _answer_roots(self, inbound: Inbound) -> None:
        assert inbound.id is not None
        if self._roots is None:
            self._on_roots_wanted()
            self._engine.respond_error(inbound.id, METHOD_NOT_FOUND, "roots are not offered by this client")
        else:
            self._engine.respond(inbound.id, roots_result(self._roots))

    def _ask(self, inbound: Inbound) -> None:
        assert inbound.id is not None
        self.asked_ever = True
        call = inbound.call
        named = owners([call]) if call is not None else []
        decision = route(named[0] if named else None, owners(self._engine.calls))
        if isinstance(decision, Decline):
            self._engine.respond_error(inbound.id, INVALID_REQUEST, decision.reason)
            return
        owner = decision.owner
        params = inbound.params or b"{}"
        if reason := self._why_not(inbound.id, owner) or lacking(inbound.method, params, owner.client):
            self._engine.respond_error(inbound.id, INVALID_REQUEST, reason)
            return
        question = Question(self._server, inbound.method, params, None if call is None else call.sink)
        task = self._loop.create_task(self._deliver(inbound.id, owner, question))
        self._open[inbound.id] = owner, task
        self._spawn(task)

    def _why_not(self, id: bytes, owner: Holder) -> str | None:
        if owner not in self._holders:
            return _LEFT
        if id in self._open:
            return "a question of this id is open already"
        if len(self._open) >= MAX_OPEN:
            return f"{MAX_OPEN} questions are open already"
        return None

    async def _deliver(self, id: bytes, owner: Holder, question: Question) -> None:
        asked = self._asked.setdefault(owner, _Asked())
        asked.open += 1
        if asked.open == 1:
            asked.since = self._loop.time()
        try:
            self._engine.respond(id, await owner.on_question(question))
        except RpcError as error:
            self._engine.respond_error(id, error.code, error.reason, error.data)
        except Exception as error:
            # The answer comes from the embedding program: whatever it raises is for the server to hear.
            self._engine.respond_error(
                id, INTERNAL_ERROR, f"the client failed to answer: {type(error).__name__}: {error}"
            )
        finally:
            asked.open -= 1
            if not asked.open:
                asked.total += self._loop.time() - asked.since
            if id in self._open and self._open[id][1] is asyncio.current_task():
                del self._open[id]
