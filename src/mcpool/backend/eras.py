"""Which protocol era each identity speaks."""

from __future__ import annotations

from collections import OrderedDict

from mcpool.wire.revisions import Era

REMEMBERED = 4096
"""How many identities are remembered; of more, those that answered longest ago are probed again."""


class Eras:
    """The protocol era that each identity last answered in, so that it is not probed again. Never from silence."""

    def __init__(self) -> None:
        self._known: OrderedDict[object, Era] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, identity: object) -> Era | None:
        """The era, where it is known."""
        return self._known.get(identity)

    def learn(self, identity: object, era: Era) -> None:
        """It has just answered in this era."""
        self._known[identity] = era
        self._known.move_to_end(identity)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, identity: object) -> None:
        """What was known did not help."""
        self._known.pop(identity, None)
