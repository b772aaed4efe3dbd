"""What a part of the embedding program adds to a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcpool.world.section import Section


@dataclass(frozen=True, slots=True)
class Extension:
    """Servers, in the shape of `mcpool.open` (`{"mcpServers": {...}}`), and sections of the world state.

    Its servers count more than anything that is configured; of two extensions, the one that was added last counts.
    """

    name: str
    servers: Mapping[str, Any] | None = None
    sections: Sequence[Section] = ()
