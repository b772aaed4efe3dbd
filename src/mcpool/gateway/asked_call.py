"""A request whose client, which speaks 2026-07-28, may be asked something before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from mcpool.backend.holder import Question
from mcpool.errors import RpcError
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import REQUEST_CANCELLED, Failure
from mcpool.gateway.input_round import CANCELLED
from mcpool.gateway.limits import Limits
from mcpool.gateway.names import ELICIT
from mcpool.wire.revisions import INTERNAL_ERROR, REQUEST_TIMEOUT


class _Asked:
    __slots__ = ("answer", "question", "since")

    def __init__(self, question: Question, loop: asyncio.AbstractEventLoop) -> None:
        self.question = question
        self.answer: asyncio.Future[bytes] = loop.create_future()
        self.since = loop.time()


class AskedCall:
    """Works on while its client looks for answers, which no request of the client waits for.

    The request that began it is answered with the questions that came up. The one that brings the answers takes its
    place: progress and log lines go to it, and the result, or the next questions, are its answer.
    """

    def __init__(self, first: Exchange, limits: Limits, admit: Callable[[AskedCall], bool]) -> None:
        """`admit` says, before the first question, whether one more call may ask."""
        self.first = first
        """What is sent to servers, and hears from them."""
        self.asked = dict(first.fields)
        """The params as the client wrote them."""
        self.waiting: Exchange | None = first
        """The request that is answered next; None while the client looks for answers."""
        self._limits = limits
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, _Asked] = {}
        self._number = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._outcome: bytes | Exception | None = None

    # ------------------------------------------------------------------ the work

    def begin(self, task: asyncio.Task[None]) -> None:
        """`task` has begun to `run` it."""
        self._task = self.first.task = task
        task.add_done_callback(lambda _: self._wake.set())

    async def run(self, work: Awaitable[bytes]) -> None:
        """Do the work, and keep what comes of it."""
        try:
            outcome: bytes | Exception = await work
            if self.waiting is None and len(outcome) > self._limits.replay_bytes:
                what = f"the result of {len(outcome)} bytes came before the answers, and is too large to be kept"
                outcome = Failure(INTERNAL_ERROR, f"{what}; the limit is {self._limits.replay_bytes}")
        except Exception as error:
            outcome = error
        self._outcome = outcome

    def end(self) -> None:
        """Nobody wants the result any more: what is sent is cancelled, and with it what was asked."""
        if self._task is not None:
            self._task.cancel()

    def result(self) -> bytes:
        """What came of the work, once it is done. Raises: what the work did, and Failure if it was cancelled."""
        if self._outcome is None:
            reason = (self.waiting and self.waiting.cancelled) or "the session has ended"
            raise Failure(REQUEST_CANCELLED, f"Request cancelled: {reason}")
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    # ------------------------------------------------------------------ the questions

    async def ask(self, question: Question) -> bytes:
        """Ask the client, now or with its next answer, and wait for the raw result.

        Raises:
            RpcError: the client gave no answer in time, or is asked too much already.
        """
        if len(self._open) >= self._limits.questions:
            raise RpcError(question.server, INTERNAL_ERROR, f"this call has {len(self._open)} questions open already")
        if not self._admit(self):
            reason = "too many calls of this client, or of all clients, wait for answers already"
            raise RpcError(question.server, INTERNAL_ERROR, reason)
        self._number += 1
        key = f"question-{self._number}"
        asked = self._open[key] = _Asked(question, self._loop)
        self._wake.set()
        try:
            return await asked.answer
        finally:
            del self._open[key]

    @property
    def questions(self) -> Mapping[str, Question]:
        """What waits for an answer, by the keys that answers come under."""
        return {key: asked.question for key, asked in self._open.items() if not asked.answer.done()}

    async def news(self) -> Mapping[str, Question]:
        """Wait until the client has to be asked something, and return that; nothing if the work is done instead."""
        assert self._task is not None
        while not self._task.done():
            if self.questions:
                # What it asks in the same breath is asked together.
                await asyncio.wait([self._task], timeout=self._limits.question_gather)
                if self.questions and not self._task.done():
                    return self.questions
            else:
                self._wake.clear()
                await self._wake.wait()
        return {}

    @property
    def patience(self) -> float:
        """Seconds that the client has left to answer what it was asked first."""
        now = self._loop.time()
        since = min((asked.since for asked in self._open.values()), default=now)
        return since + self._limits.parked_timeout - now

    def leave(self) -> None:
        """The request that waited is answered with questions."""
        self.first.detach()
        self.waiting = None

    def resume(self, exchange: Exchange, answers: Mapping[str, bytes]) -> None:
        """A request brings answers, and waits from now on."""
        self.waiting = exchange
        exchange.task = self._task
        self.first.attach(exchange)
        for key, answer in answers.items():
            asked = self._open.get(key)
            if asked is not None and not asked.answer.done():
                asked.answer.set_result(answer)

    def expire(self) -> None:
        """The client did not come back: whoever asked is told so, and the work is cancelled."""
        for asked in self._open.values():
            if asked.answer.done():
                continue
            if asked.question.method == ELICIT:
                asked.answer.set_result(CANCELLED)
            else:
                seconds = f"{self._limits.parked_timeout:g} s"
                error = RpcError(asked.question.server, REQUEST_TIMEOUT, f"the client gave no answer within {seconds}")
                asked.answer.set_exception(error)
        self.end()
