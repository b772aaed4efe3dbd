"""Tasks of a host: owned by its task group, and unable to end it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger("mcpool")


def spawner(tasks: asyncio.TaskGroup) -> Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]:
    """Starts tasks in a group. A backend's defect must not end the host: it is logged, and its callers see a server
    that does not answer."""

    async def contained(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            logger.exception("a backend's task failed; this is a defect of mcpool")

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = tasks.create_task(contained(work))
        # A task that is cancelled before its first step leaves its work unawaited.
        task.add_done_callback(lambda _: work.close())
        return task

    return spawn
