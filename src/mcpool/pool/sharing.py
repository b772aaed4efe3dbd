"""Who may share a backend. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcpool.catalog.identity import Identity
from mcpool.config.server import Scope


@dataclass(frozen=True, slots=True)
class Key:
    """Leases with equal keys share one backend."""

    identity: Identity
    within: str
    """Whose it is: empty for everybody's, else the thread or the root of the session tree."""

    @property
    def exclusive(self) -> bool:
        """Whether one thread alone may ever share it."""
        return self.within.startswith(_THREAD)


_THREAD = "thread:"


def key_of(identity: Identity, scope: Scope, *, thread: str, root: str) -> Key:
    """The key under which a thread shares a server of this scope."""
    match scope:
        case "shared":
            return Key(identity, "")
        case "session-tree":
            return Key(identity, f"tree:{root}")
        case "thread":
            return Key(identity, f"{_THREAD}{thread}")
