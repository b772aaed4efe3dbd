"""Which calls of one step run side by side: those that only read, or whose server says that it can; others in order.

The model may ask for several calls at once. Whether that is safe only the server knows; where it does not say so by its
live annotations or the configuration, the calls run one after the other, in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar

ANSWERING: ContextVar[str | None] = ContextVar("mcpool_answering", default=None)
"""The thread on whose behalf a server's question is being answered. A call that is made to answer it is part of the
call that asked: it must not wait for that one's end."""


class _Waiter:
    __slots__ = ("admitted", "alone")

    def __init__(self, alone: bool, admitted: asyncio.Future[None]) -> None:
        self.alone = alone
        self.admitted = admitted


class CallGate:
    """Lets in, first come first served, either one call that must run alone or any number of others."""

    __slots__ = ("_alone", "_thread", "_together", "_waiting")

    def __init__(self, thread: str) -> None:
        self._thread = thread
        self._alone = False
        self._together = 0
        self._waiting: deque[_Waiter] = deque()

    def __repr__(self) -> str:
        inside = "one alone" if self._alone else f"{self._together} together"
        return f"<CallGate [{inside}, {len(self._waiting)} waiting]>"

    @property
    def bypassed(self) -> bool:
        """Whether a call made now answers a question of another one of this thread, and needs no gate."""
        return ANSWERING.get() == self._thread

    def enters(self, *, alone: bool) -> bool:
        """Let a call in if it need not wait; it must `leave` then."""
        return not self._waiting and self._lets_in(alone)

    async def enter(self, *, alone: bool) -> None:
        """Wait for the turn of a call; it must `leave`. Safe to cancel."""
        if self.enters(alone=alone):
            return
        waiter = _Waiter(alone, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                self._pump()
            else:
                self.leave(alone=alone)  # its turn came in the same moment
            raise

    def leave(self, *, alone: bool) -> None:
        """A call is over."""
        if alone:
            self._alone = False
        else:
            self._together -= 1
        if self._waiting:
            self._pump()

    def _lets_in(self, alone: bool) -> bool:
        if self._alone or (alone and self._together):
            return False
        if alone:
            self._alone = True
        else:
            self._together += 1
        return True

    def _pump(self) -> None:
        while self._waiting and self._lets_in(self._waiting[0].alone):
            admitted = self._waiting.popleft().admitted
            if not admitted.cancelled():
                admitted.set_result(None)
