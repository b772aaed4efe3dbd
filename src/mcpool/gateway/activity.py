"""Whether anybody uses the daemon: clients connected, requests in flight, and since when there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from contextlib import contextmanager
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Activity:
    """Counts who uses the daemon right now."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy = 0
        self._since = self._loop.time()
        self._changed = asyncio.Event()

    @property
    def clients(self) -> int:
        """Connected clients, and HTTP requests and streams in flight."""
        return self._busy

    @contextmanager
    def use(self) -> Generator[None]:
        """Somebody uses the daemon during the block."""
        self._busy += 1
        self._changed.set()
        try:
            yield
        finally:
            self._busy -= 1
            self._since = self._loop.time()
            self._changed.set()

    def watching(self, app: Application) -> Application:
        """The ASGI application `app`, its MCP requests counted as use."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and not scope["path"].startswith("/mcp"):
                await app(scope, receive, send)
                return
            with self.use():
                await app(scope, receive, send)

        return counted

    async def idle_for(self, seconds: float) -> None:
        """Return when nobody has used the daemon for so long."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(None if self._busy else self._since + seconds):
                    await self._changed.wait()
            except TimeoutError:
                return
