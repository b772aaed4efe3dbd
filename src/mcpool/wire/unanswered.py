"""The calls that have no answer yet."""

from __future__ import annotations

from mcpool.wire.call import Call
from mcpool.wire.envelope import Key

CANCELLED_STAYS = 30.0
"""Seconds that a cancelled call counts as unanswered."""


class Unanswered(dict[Key, Call]):
    """By id, in the order in which they were made; cancelled ones for a while more, since the server may be at them."""

    __slots__ = ()

    def withdraw(self, call: Call, now: float) -> bool:
        """Nobody waits for it any more; False if there is nothing to withdraw."""
        if call.answered or call.cancelled or self.get(call.id) is not call:
            return False
        call.cancelled = True
        call.cancelled_at = now
        call.future.cancel()
        self.prune(now)
        return True

    def prune(self, now: float) -> None:
        """Forget those that were cancelled long ago."""
        for call in [c for c in self.values() if c.cancelled and c.cancelled_at + CANCELLED_STAYS <= now]:
            del self[call.id]

    def forgets_at(self, now: float) -> float | None:
        """When the next of the cancelled ones no longer counts; None: there is none."""
        self.prune(now)
        cancelled = (call.cancelled_at for call in self.values() if call.cancelled)
        return min((at + CANCELLED_STAYS for at in cancelled), default=None)
