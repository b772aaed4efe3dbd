"""What a server asks while it works: find the thread whose call caused it, let it answer, carry the answer back."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import msgspec

from mcpool.backend.client_side import ROOTS, lacking, roots_result
from mcpool.backend.deadlines import callers_sink
from mcpool.backend.holder import Holder, Question, Root
from mcpool.backend.holders import Holders, candidates, owner_of, owners
from mcpool.backend.routing import HOLD, Decline, Deliver, Hold, held_too_long, route, settle
from mcpool.backend.sharing import Sharing
from mcpool.errors import RpcError
from mcpool.wire.call import Call
from mcpool.wire.engine import Engine, Inbound
from mcpool.wire.revisions import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND

_ELICITATION = "elicitation/create"
_ASKING = frozenset({_ELICITATION, "sampling/createMessage"})

MAX_OPEN = 64
"""Questions of one connection that may be open, or held, at a time."""

ELICITATIONS_KEPT = 256
"""Of how many elicitations it is remembered whose they were, for news of them."""

_LEFT = "the client whose request this was has left"
_CANCELLED = b'{"action":"cancel"}'


class _Asked:
    """How long one party has been kept by open questions."""

    __slots__ = ("open", "since", "total")

    def __init__(self) -> None:
        self.open = 0
        self.since = 0.0
        self.total = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A question of which it is not certain yet whose it is."""

    inbound: Inbound
    causes: tuple[Call, ...]
    """The requests that were unanswered when it came: one of them made the server ask."""
    timer: asyncio.TimerHandle

    @property
    def left(self) -> list[Hashable | None]:
        """Whose requests may still be the one that made the server ask.

        One that was given up is, however long ago that was by now: the server may be at it as long as it is silent.
        """
        return candidates(
            call for call in self.causes if not call.answered and (call.cancelled or not call.future.done())
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """A question that its owner is asked."""

    owner: Holder
    task: asyncio.Task[None]
    method: str
    cause: Call | None
    """The request that made the server ask, where it said so."""


class _Elicitation(msgspec.Struct, rename="camel"):
    elicitation_id: str | None = None


class Questions:
    """The open questions of one connection."""

    def __init__(
        self,
        server: str,
        engine: Engine,
        holders: Holders,
        sharing: Sharing,
        spawn: Callable[[asyncio.Task[None]], None],
        *,
        roots: tuple[Root, ...] | None,
        on_roots_wanted: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._server = server
        self._engine = engine
        self._holders = holders
        self._sharing = sharing
        self._spawn = spawn
        self._roots = roots
        self._on_roots_wanted = on_roots_wanted
        self._loop = loop
        self._open: dict[bytes, _Open] = {}
        self._held: dict[bytes, _Held] = {}
        self._asked: dict[Hashable, _Asked] = {}
        self._elicited: OrderedDict[str, Holder] = OrderedDict()
        self.asked_ever = False

    # ------------------------------------------------------------------ what the server says

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
        self._drop(id)
        self._sharing.moved()

    def review(self) -> None:
        """Something was answered: it may be certain now whose the held questions are."""
        if self._held:
            held = list(self._held.values())
            for one, decision in zip(held, settle([one.left for one in held]), strict=True):
                if not isinstance(decision, Hold):
                    assert one.inbound.id is not None
                    self._drop(one.inbound.id)
                    self._decided(one.inbound, decision)
        self._sharing.moved()

    def elicited(self, elicitation: str) -> Holder | None:
        """Whom the server asked in this elicitation (it tells by `elicitationId` what became of it)."""
        return self._elicited.get(elicitation)

    # ------------------------------------------------------------------ what holders do

    def forget(self, holder: Holder) -> None:
        """This holder has left, and so have its requests."""
        self.dismiss(holder)
        if all(other.party != holder.party for other in self._holders):
            self._asked.pop(holder.party, None)

    def dismiss(self, holder: Holder) -> None:
        """Nobody is there any more to answer what this holder was asked; its requests may go on."""
        for id in [id for id, one in self._open.items() if one.owner is holder]:
            self._drop(id)
            self._engine.respond_error(id, INVALID_REQUEST, _LEFT)
        self._sharing.moved()

    def interrupt(self, holder: Holder) -> None:
        """The turn in which this holder was asked is over: nobody will answer."""
        for id, one in list(self._open.items()):
            if one.owner is holder:
                self._interrupt(id, one)
        self._sharing.moved()

    def abandoned(self, call: Call) -> None:
        """Nobody waits for this call any more, nor will anybody answer what it made the server ask."""
        if not self._open:
            return
        (party,) = candidates([call])
        waits = party in candidates(other for other in self._engine.calls if not other.cancelled)
        for id, one in list(self._open.items()):
            if one.cause is call or (one.owner.party == party and one.cause is None and not waits):
                self._interrupt(id, one)
        self._sharing.moved()

    # ------------------------------------------------------------------ whose turn it is

    @property
    def asking(self) -> frozenset[Hashable]:
        """The parties that have an open question."""
        return frozenset(one.owner.party for one in self._open.values())

    @property
    def undecided(self) -> bool:
        """Whether a question waits until it is certain whose it is."""
        return bool(self._held)

    def end(self) -> None:
        """The connection is over: nobody waits for an answer."""
        for id in list(self._held):
            self._drop(id)

    def asked_time(self, owner: Holder, now: float) -> float:
        """Seconds for which this owner, or its party, has been kept by questions of this connection so far."""
        asked = self._asked.get(owner.party)
        if asked is None:
            return 0.0
        return asked.total + (now - asked.since if asked.open else 0.0)

    # ------------------------------------------------------------------ within

    def _answer_roots(self, inbound: Inbound) -> None:
        assert inbound.id is not None
        if self._roots is None:
            self._on_roots_wanted()
            self._engine.respond_error(inbound.id, METHOD_NOT_FOUND, "roots are not offered by this client")
        else:
            self._engine.respond(inbound.id, roots_result(self._roots))

    def _ask(self, inbound: Inbound) -> None:
        id, call = inbound.id, inbound.call
        assert id is not None
        if reason := self._why_not(id):
            self._engine.respond_error(id, INVALID_REQUEST, reason)
            return
        named = None if call is None else owner_of(call)
        if named is None and self._sharing.declines:
            reason = 'questions of this server are declined here (`when_asking = "decline"`)'
            self._engine.respond_error(id, INVALID_REQUEST, reason)
            return
        if named is None:
            self._sharing.asks()
        causes = self._engine.calls
        decision = route(None if named is None else named.party, candidates(causes), only=self._only())
        self._decided(inbound, decision, causes)
        if self._held:
            self.review()

    def _only(self) -> Hashable | None:
        parties = {holder.party for holder in self._holders}
        return parties.pop() if self._sharing.exclusive and len(parties) == 1 else None

    def _whom(self, party: Hashable, cause: Call | None) -> Holder | None:
        """Under which of its names a party is asked: that of the call, as far as that is known; None: it has left."""
        calling = owners(self._engine.calls if cause is None else [cause])
        holders = calling if cause is not None else [*calling, *self._holders]
        return next((one for one in holders if one.party == party and one in self._holders), None)

    def _why_not(self, id: bytes) -> str | None:
        if id in self._open or id in self._held:
            return "a question of this id is open already"
        if len(self._open) + len(self._held) >= MAX_OPEN:
            return f"{MAX_OPEN} questions are open already"
        return None

    def _decided(
        self, inbound: Inbound, decision: Deliver[Hashable] | Decline | Hold, causes: tuple[Call, ...] = ()
    ) -> None:
        assert inbound.id is not None
        match decision:
            case Deliver(party):
                self._let_answer(inbound, party)
            case Decline(reason, unasked):
                self._engine.respond_error(inbound.id, INVALID_REQUEST, reason)
                if unasked:
                    self._sharing.asks_unasked()
            case Hold():
                timer = self._loop.call_later(HOLD, self._held_too_long, inbound.id)
                self._held[inbound.id] = _Held(inbound, causes, timer)

    def _let_answer(self, inbound: Inbound, party: Hashable) -> None:
        id, params, call = inbound.id, inbound.params or b"{}", inbound.call
        assert id is not None
        owner = self._whom(party, call)
        reason = _LEFT if owner is None else lacking(inbound.method, params, owner.client)
        if owner is None or reason is not None:
            self._engine.respond_error(id, INVALID_REQUEST, reason or _LEFT)
            return
        self.asked_ever = True
        self._remember(params, owner)
        question = Question(self._server, inbound.method, params, None if call is None else callers_sink(call.sink))
        task = self._loop.create_task(self._deliver(id, owner, question))
        self._open[id] = _Open(owner, task, inbound.method, call)
        self._spawn(task)

    def _remember(self, params: bytes, owner: Holder) -> None:
        try:
            elicitation = msgspec.json.decode(params, type=_Elicitation).elicitation_id
        except msgspec.DecodeError:
            return
        if elicitation is not None:
            self._elicited[elicitation] = owner
            if len(self._elicited) > ELICITATIONS_KEPT:
                self._elicited.popitem(last=False)

    def _held_too_long(self, id: bytes) -> None:
        held = self._held[id]
        self._drop(id)
        self._decided(held.inbound, held_too_long(len(held.left)))
        self.review()

    def _drop(self, id: bytes) -> None:
        held = self._held.pop(id, None)
        if held is not None:
            held.timer.cancel()
        opened = self._open.pop(id, None)
        if opened is not None:
            opened.task.cancel()

    def _interrupt(self, id: bytes, one: _Open) -> None:
        self._drop(id)
        if one.method == _ELICITATION:
            self._engine.respond(id, _CANCELLED)
        else:
            self._engine.respond_error(id, INVALID_REQUEST, "the user interrupted what this was asked for")

    async def _deliver(self, id: bytes, owner: Holder, question: Question) -> None:
        asked = self._asked.setdefault(owner.party, _Asked())
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
            if id in self._open and self._open[id].task is asyncio.current_task():
                del self._open[id]
            self._sharing.moved()
