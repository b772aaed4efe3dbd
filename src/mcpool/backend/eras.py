"""Which protocol era each identity speaks."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcpool.wire.revisions import Era


@dataclass(slots=True)
class Eras:
    """The protocol era that each identity last answered in, so that it is not probed again. Never from silence."""

    known: dict[object, Era] = field(default_factory=dict[object, Era])
