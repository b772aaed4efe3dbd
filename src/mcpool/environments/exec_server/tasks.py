"""Tasks of an executor: each is awaited, and none can end it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from mcpool.environments.exec_server.session import Spawn

logger = logging.getLogger("mcpool")


@asynccontextmanager
async def task_spawner() -> AsyncGenerator[Spawn]:
    """Starts tasks, and waits for them on leaving."""
    tasks: set[asyncio.Task[None]] = set()

    async def contained(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            logger.exception("a task of the executor failed; this is a defect of mcpool")

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(contained(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    try:
        yield spawn
    finally:
        while tasks:
            await asyncio.wait(tasks)
