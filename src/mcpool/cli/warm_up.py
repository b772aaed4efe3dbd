"""Starting every server once, so that the user sees which work, how long they take, and what they offer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mcpool.config.server import LOCAL, ServerConfig
from mcpool.errors import McpoolError

if TYPE_CHECKING:
    from mcpool.backend.tools import ToolDefinition
    from mcpool.host import Host

logger = logging.getLogger("mcpool")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one server is."""

    server: str
    state: str = "starting"
    tools: int | None = None
    seconds: float | None = None
    """How long it took, once it is settled."""
    error: str | None = None


async def warm_up(host: Host, cwd: str, report: Callable[[Progress], None]) -> None:
    """Start all servers at the same time, telling `report` of each when it begins and when it is settled."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async with host.thread(cwd=cwd, principal="local") as thread:
        step = thread.capture()
        try:

            async def there(server: ServerConfig) -> tuple[ToolDefinition, ...]:
                await host.environments.reached(server.environment_id)
                async with thread.step() as later:
                    return await later.tool_definitions(server.name)

            async def start(progress: Progress, tools_of: Callable[[], Awaitable[tuple[ToolDefinition, ...]]]) -> None:
                report(progress)
                try:
                    tools = await tools_of()
                except Exception as error:
                    # Whatever is wrong with one server, the daemon and the others go on.
                    if not isinstance(error, McpoolError):
                        logger.exception("`%s` could not be started; this is a defect of mcpool", progress.server)
                    settled = replace(progress, state="failed", error=str(error).removeprefix(f"`{progress.server}`: "))
                else:
                    settled = replace(progress, state="ready", tools=len(tools))
                report(replace(settled, seconds=loop.time() - began))

            async with asyncio.TaskGroup() as starting:
                for name in step.servers:
                    starting.create_task(start(Progress(name), partial(step.tool_definitions, name)))
                for server in host.servers:
                    # Those of executors, of which none is reached by now.
                    if server.enabled and server.environment_id != LOCAL and server.name not in step.servers:
                        starting.create_task(start(Progress(server.name), partial(there, server)))
        finally:
            step.release()
