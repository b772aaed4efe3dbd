"""A call that goes on while somebody is asked, beyond the frame that made it.

Frameworks that ask a person by ending the run, and beginning it again with the answer, run the same code a second time.
The call must not run a second time: it is parked, and the second frame finds it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from mcpool.runtime.result import ToolResult
from mcpool.threads.elicitation import ElicitAnswer, Elicitation

Ask = Callable[[Elicitation], ElicitAnswer]
"""Gives the answer, or ends the frame with an exception of the framework's; the next frame has the answer."""


@dataclass(eq=False)
class Asked:
    """A question that waits for its answer."""

    question: Elicitation
    answer: asyncio.Future[ElicitAnswer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Questions:
    """What the servers of one thread ask, until a call's frame takes it up."""

    def __init__(self) -> None:
        self._waiting: deque[Asked] = deque()
        self._arrival = asyncio.Event()

    async def on_elicit(self, question: Elicitation) -> ElicitAnswer:
        """Wait for the answer (mcpool.threads.elicitation.OnElicit)."""
        asked = Asked(question)
        self._waiting.append(asked)
        self._arrival.set()
        try:
            return await asked.answer
        finally:
            if asked in self._waiting:  # it was withdrawn before anybody saw it
                self._waiting.remove(asked)

    async def next(self, call: asyncio.Task[ToolResult]) -> Asked | None:
        """The next question, or None if the call is over before there is one."""
        while not self._waiting:
            if call.done():
                return None
            self._arrival.clear()
            arrival = asyncio.ensure_future(self._arrival.wait())
            try:
                await asyncio.wait([call, arrival], return_when=asyncio.FIRST_COMPLETED)
            finally:
                arrival.cancel()
        return self._waiting.popleft()


class ParkedCall:
    """A call, with the questions that its frames asked so far, in their order."""

    def __init__(self, call: Coroutine[Any, Any, ToolResult], questions: Questions) -> None:
        self.task = asyncio.ensure_future(call)
        self.task.add_done_callback(_seen)
        self._questions = questions
        self._asked: list[Asked] = []

    async def result(self, ask: Ask) -> ToolResult:
        """Its result. `ask` is called for each question, again for those that an earlier frame asked.

        A frame that is cancelled cancels the call; one that `ask` ends does not.
        """
        for asked in self._asked:
            _answer(asked, ask)
        try:
            while (asked := await self._questions.next(self.task)) is not None:
                self._asked.append(asked)
                _answer(asked, ask)
            return await self.task
        except asyncio.CancelledError:
            self.task.cancel()
            raise


def _seen(task: asyncio.Task[ToolResult]) -> None:
    """It may fail with nobody waiting for it any more."""
    if not task.cancelled():
        task.exception()


def _answer(asked: Asked, ask: Ask) -> None:
    answer = ask(asked.question)
    if not asked.answer.done():  # it may be withdrawn, or out of time
        asked.answer.set_result(answer)
