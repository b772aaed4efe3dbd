"""How the servers of each identity were seen to ask questions, remembered over their processes."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum

REMEMBERED = 4096
"""Identities; of more, those that asked longest ago are believed to be silent again."""


class Asking(IntEnum):
    """What a server does, from what is harmless to share to what is not."""

    NEVER = 0
    WITHIN_CALLS = 1
    """It asks while it works on a request, and does not say on which."""
    UNASKED = 2
    """It asks while it works for nobody."""


class Habits:
    """The worst that was seen of each identity."""

    def __init__(self) -> None:
        self._seen: OrderedDict[object, Asking] = OrderedDict()

    def of(self, identity: object) -> Asking:
        """How it asks, as far as it is known."""
        return self._seen.get(identity, Asking.NEVER)

    def learn(self, identity: object, asking: Asking) -> bool:
        """It was seen to ask so; True if that is news."""
        known = self._seen.pop(identity, Asking.NEVER)
        self._seen[identity] = max(known, asking)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return asking > known
