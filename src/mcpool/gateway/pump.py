"""Carries an outbox to a connection."""

from __future__ import annotations

import asyncio
import logging

from mcpool.gateway.http import Receive, Send, end_stream, send_part, start_stream, until_disconnected
from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Outbox

_log = logging.getLogger(__name__)
_COMMENT = b": still here\n\n"


def attach(outbox: Outbox, send: Send, limits: Limits) -> asyncio.Task[None]:
    """Start sending the outbox as an event stream; a connection that did so before stops. The caller ends the task."""
    if outbox.reader is not None:
        outbox.reader.cancel()
    outbox.reader = asyncio.create_task(_pump(outbox, send, limits))
    return outbox.reader


async def _pump(outbox: Outbox, send: Send, limits: Limits) -> None:
    await start_stream(send)
    while True:
        chunk = outbox.take()
        if chunk:
            await send_part(send, chunk)
        elif outbox.ended:
            break
        elif not await outbox.wait(limits.keep_alive):
            await send_part(send, _COMMENT)
    await end_stream(send)


async def serve(outbox: Outbox, receive: Receive, send: Send, limits: Limits) -> None:
    """Send the outbox until it is complete, the client goes, another connection takes over, or too much waits."""
    pump = attach(outbox, send, limits)
    tasks: list[asyncio.Task[None]] = [
        pump,
        asyncio.create_task(until_disconnected(receive)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_tasks(tasks)
        if outbox.reader is pump:
            outbox.reader = None


async def end_tasks(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel what still runs and wait for it."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            _log.warning("a stream to a client broke: %r", outcome)
    tasks.clear()
