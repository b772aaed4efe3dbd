"""Asking all servers at once, without letting the slow ones hold up the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from mcpool.errors import McpoolError, RpcError
from mcpool.gateway.upstream import Step
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import one_line
from mcpool.wire.revisions import INTERNAL_ERROR

T = TypeVar("T")

_MAX_PAGES = 100
_MAX_ITEMS = 10_000
_items = msgspec.json.Decoder(list[Raw])


async def gather(
    servers: Iterable[str], fetch: Callable[[str], Coroutine[Any, Any, T]], grace: float
) -> tuple[dict[str, T], list[str]]:
    """What each server gives, in their order, and the servers that gave nothing within `grace` seconds.

    A server that fails is in neither: it has nothing to offer now.
    """
    tasks = {server: asyncio.create_task(fetch(server)) for server in servers}
    if not tasks:
        return {}, []
    try:
        await asyncio.wait(tasks.values(), timeout=grace)
        slow = [server for server, task in tasks.items() if not task.done()]
    finally:
        for task in tasks.values():
            task.cancel()
        outcomes = await asyncio.gather(*tasks.values(), return_exceptions=True)
    found: dict[str, T] = {}
    for server, outcome in zip(tasks, outcomes, strict=True):
        if isinstance(outcome, McpoolError | asyncio.CancelledError):
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        found[server] = outcome
    return found, slow


async def all_pages(step: Step, server: str, method: str, key: str) -> list[bytes]:
    """Every item that a server lists, as raw JSON on one line each.

    Raises:
        RpcError: the list has no end, or is none.
    """
    items: list[bytes] = []
    cursors: set[bytes] = set()
    fields: dict[str, Raw] = {}
    for _ in range(_MAX_PAGES):
        result = wire_params.split(await step.relay(server, method, fields))
        try:
            items.extend(one_line(bytes(item)) for item in _items.decode(result.get(key, b"[]")))
        except msgspec.DecodeError as error:
            raise RpcError(server, INTERNAL_ERROR, f"the result of {method} cannot be read: {error}") from None
        cursor = result.get("nextCursor")
        if cursor is None or bytes(cursor) == b"null":
            return items
        if bytes(cursor) in cursors or len(items) > _MAX_ITEMS:
            break
        cursors.add(bytes(cursor))
        fields = {"cursor": cursor}
    raise RpcError(server, INTERNAL_ERROR, f"the result of {method} has no end")
