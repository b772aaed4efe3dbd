"""A connection to an executor that is a real process, without a host."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcpool.environments.executor import Executor, Patience
from mcpool.environments.session import Session
from mcpool.environments.websocket import dial
from support.exec_servers import ExecServer

DEADLINE = 30.0


class Client:
    """A connection to it, and what happened to it."""

    def __init__(self, url: str, headers: dict[str, str], patience: Patience) -> None:
        self._changed = asyncio.Event()
        self._handle = 0
        self.executor = Executor(
            "box",
            dial(url, headers, {}, timeout=5),
            new_handle=self._new_handle,
            on_change=lambda _: self._changed.set(),
            chance=random.random,
            patience=patience,
        )

    def _new_handle(self) -> int:
        self._handle += 1
        return self._handle

    async def session(self) -> Session:
        """The session, when there is one."""
        async with asyncio.timeout(DEADLINE):
            while self.executor.session is None:
                self._changed.clear()
                await self._changed.wait()
            return self.executor.session

    async def lost(self) -> str:
        """Why there is no session, when there is none."""
        async with asyncio.timeout(DEADLINE):
            while self.executor.session is not None or self.executor.error is None:
                self._changed.clear()
                await self._changed.wait()
            return self.executor.error


@asynccontextmanager
async def client_of(
    far: ExecServer, url: str | None = None, patience: Patience | None = None
) -> AsyncGenerator[Client]:
    client = Client(url or far.url, far.headers, patience or Patience())
    owner = asyncio.get_running_loop().create_task(client.executor.own())
    try:
        yield client
    finally:
        owner.cancel()
        await asyncio.wait([owner])
