"""What was resolved for a thread: the seam to whatever resolves it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from mcpool.catalog.connector import Connector
from mcpool.config.server import ApprovalMode, ServerConfig


class Projected(Protocol):
    """The outcome of resolving everything that contributes servers to one thread. A plain value, never changed.

    Equality is what counts: equal ones mean that nothing changed, and the thread keeps the very runtime that it has.
    So whatever must lead to a new runtime (who contributed a server, which environment it is bound to) takes part in
    it, and what must not (which environments are there that no server is bound to) does not.
    """

    @property
    def servers(self) -> Sequence[ServerConfig]:
        """The servers that the thread has, enabled ones only, in the order in which they are shown."""
        ...

    @property
    def absent(self) -> Mapping[str, str]:
        """The servers that it would have, if the place that they are to run in were there; and what is wrong."""
        ...

    @property
    def restriction(self) -> ApprovalMode | None:
        """An approval mode that holds for every tool, besides every other."""
        ...

    @property
    def connectors(self) -> Sequence[Connector]:
        """The connectors whose tools the thread may use."""
        ...

    @property
    def plugins(self) -> Mapping[str, str]:
        """By server: the plugin that contributed it, for those that one did."""
        ...

    @property
    def chosen(self) -> Collection[str]:
        """The servers that were chosen for this very thread: a step that never saw their tools waits for them."""
        ...
