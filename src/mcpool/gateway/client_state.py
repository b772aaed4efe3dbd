"""What the gateway remembers of one client between its requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcpool.gateway.catalogue import ResourceTable, Table
    from mcpool.gateway.header_checks import HeaderChecks
    from mcpool.gateway.searching import Found


class Wishes(Protocol):
    """What a client wants to hear; kept by its session, so that a new thread hears the same."""

    async def set_log_level(self, server: str | None, level: str) -> None: ...

    async def subscribe(self, server: str, uri: str) -> None: ...

    async def unsubscribe(self, server: str, uri: str) -> None: ...

    def announce(self, server: str) -> None:
        """Tell the client that the lists have changed, as soon as this server is there."""
        ...


@dataclass(slots=True)
class ClientState:
    """The names that the client was shown, by which its requests find their server. Empty until they are needed."""

    wishes: Wishes
    tools: Table | None = field(default=None)
    prompts: Table | None = field(default=None)
    resources: ResourceTable | None = field(default=None)

    header_checks: HeaderChecks | None = field(default=None)
    found: Found | None = field(default=None)

    def forget_names(self) -> None:
        """A list has changed: read them anew when they are needed."""
        self.tools = self.prompts = self.resources = self.header_checks = self.found = None
