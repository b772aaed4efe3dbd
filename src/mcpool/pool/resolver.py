"""What the pool needs of the place where servers run: turning a configuration into an identity and a way to open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mcpool.backend.connection import Opener
from mcpool.backend.holder import Root
from mcpool.catalog.identity import Identity
from mcpool.config.server import ServerConfig
from mcpool.wire.revisions import Era


@dataclass(frozen=True, slots=True)
class Resolved:
    """A server, resolved for one thread."""

    identity: Identity
    opener: Opener
    offers_roots: bool = False
    """Whether the server uses roots, so that the thread's are part of the identity."""
    era: Era | None = None
    """The protocol era to open it with, where that is known beforehand."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What of a thread can be part of an identity."""

    cwd: str
    principal: str
    capabilities: str
    roots: tuple[Root, ...] | None


class Resolver(Protocol):
    """Resolves servers in one environment."""

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        """Resolve without starting anything.

        Raises:
            ServerUnavailable: it cannot even be resolved (an environment variable that it needs is not set).
        """
        ...

    def learned_roots(self, server: ServerConfig) -> None:
        """This server was seen to ask for roots."""
        ...
