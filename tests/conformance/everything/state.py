"""What the server remembers while it runs."""

from __future__ import annotations

from typing import Final, get_args

import mcp_types as types
from mcp.server.subscriptions import InMemorySubscriptionBus

_LEVELS: Final[tuple[str, ...]] = get_args(types.LoggingLevel)


class State(InMemorySubscriptionBus):
    """Who listens, what handshake clients subscribed to, and the log level that they last asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.level: types.LoggingLevel = "debug"
        self.subscribed: set[str] = set()

    def logs(self, level: types.LoggingLevel) -> bool:
        """Whether messages of this level are wanted."""
        return _LEVELS.index(level) >= _LEVELS.index(self.level)
