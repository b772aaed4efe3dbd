"""How a session of 2026-07-28 is asked: its request is answered with the question, and sent again with the answer.

It does not matter who asks. A server's question in the middle of a call and an approval that a call needs both come to
the listener of the request's thread, and from there here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from mcpool.backend.client_side import lacking
from mcpool.backend.holder import ClientFacts, Question
from mcpool.errors import RpcError
from mcpool.gateway.asked_call import AskedCall
from mcpool.gateway.asked_threads import AskedThreads, Opens
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.limits import Limits
from mcpool.gateway.names import REQUEST_STATE
from mcpool.gateway.parking import Parking
from mcpool.gateway.request_state import Bond, bond_of
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.upstream import Fields, Thread
from mcpool.gateway.url_required import MAX_ROUNDS, is_accepted, urls_wanted
from mcpool.wire.revisions import INPUT_REQUIRED_METHODS, INVALID_REQUEST

Answer = Callable[[Exchange, Thread], Awaitable[bytes]]


class Asking:
    """Of one client session. `parking` is that of its face: a retry may come in another session of its client."""

    def __init__(
        self,
        parking: Parking,
        threads: Opens,
        limits: Limits,
        *,
        principal: str,
        route: str | None,
        facts: ClientFacts,
    ) -> None:
        self._parking = parking
        self._limits = limits
        self._principal = principal
        self._route = route
        self._facts = facts
        self._threads = AskedThreads(threads, self)
        self._tasks = Tasks()
        self._at_work: set[Exchange] = set()

    @property
    def busy(self) -> bool:
        """Whether a call is worked on, even if its client looks for answers meanwhile."""
        return bool(self._tasks)

    @property
    def at_work(self) -> frozenset[Exchange]:
        """The requests that are worked on here."""
        return frozenset(self._at_work)

    def concerns(self, exchange: Exchange) -> bool:
        """Whether a request may be answered with questions, or brings answers to some."""
        facts = self._facts
        return exchange.method in INPUT_REQUIRED_METHODS and (
            facts.elicitation_form or facts.elicitation_url or facts.sampling or REQUEST_STATE in exchange.fields
        )

    async def perform(self, exchange: Exchange, answer: Answer) -> bytes:
        """The raw result of a request, which may be one that asks. `answer` does the work, on a thread of its own.

        Raises:
            Failure: it presents a state that it may not, or was cancelled.
            Exception: what `answer` raises.
        """
        call = None
        if REQUEST_STATE in exchange.fields:
            call = self._parking.resume(exchange, self._bond(exchange.method, exchange.fields))
        if call is None:
            call = AskedCall(exchange, self._limits, lambda call: self._parking.admit(call, self._principal))
            call.begin(self._tasks.start(self._work(call, answer)))
        try:
            questions = await call.news()
        except BaseException:
            call.end()
            raise
        if questions and exchange.cancelled is None:
            return self._parking.park(call, questions, self._bond(exchange.method, call.asked))
        self._parking.drop(call)
        return call.result()

    async def asked(self, question: Question, call: AskedCall | None) -> bytes:
        """Answer a question that came up while `call` was worked on, if the client can be asked that.

        Raises:
            RpcError: it cannot, or did not answer.
        """
        if call is None:
            raise unasked(question)
        reason = lacking(question.method, question.params, self._facts)
        if reason is not None:
            raise RpcError(question.server, INVALID_REQUEST, reason)
        return await call.ask(question)

    async def close(self) -> None:
        """End all calls and give their threads back."""
        await self._tasks.close()
        await self._threads.close()

    def _bond(self, method: str, fields: Fields) -> Bond:
        return bond_of(self._principal, self._route, method, fields)

    async def _work(self, call: AskedCall, answer: Answer) -> None:
        self._at_work.add(call.first)
        done = False
        try:
            await call.run(self._answered(call, answer))
            done = True
        finally:
            self._at_work.discard(call.first)
            if not done:
                self._parking.drop(call)

    async def _answered(self, call: AskedCall, answer: Answer) -> bytes:
        seat = await self._threads.take(call)
        clean = False
        try:
            assert seat.thread is not None
            result = await self._with_urls(call, seat.thread, answer)
            clean = True
            return result
        except (RpcError, Failure):
            clean = True
            raise
        finally:
            self._threads.give_back(seat, clean=clean)

    async def _with_urls(self, call: AskedCall, thread: Thread, answer: Answer) -> bytes:
        """The result, after the client has opened what a server wants opened first."""
        for _ in range(MAX_ROUNDS):
            try:
                return await answer(call.first, thread)
            except RpcError as error:
                questions = urls_wanted(error) if self._facts.elicitation_url else []
                if not questions:
                    raise
                if not await _all_accepted(call, questions):
                    raise
                call.first.fields = dict(call.asked)
        return await answer(call.first, thread)


async def _all_accepted(call: AskedCall, questions: Sequence[Question]) -> bool:
    try:
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(call.ask(question)) for question in questions]
    except* RpcError as group:
        raise group.exceptions[0] from None
    return all(is_accepted(answer.result()) for answer in answers)


def unasked(question: Question) -> RpcError:
    """The answer to a question that no request of a 2026-07-28 client can carry."""
    reason = (
        "this client speaks revision 2026-07-28, in which it can be asked only while a request of its own for a tool, "
        "a prompt or a resource is worked on"
    )
    return RpcError(question.server, INVALID_REQUEST, reason)
