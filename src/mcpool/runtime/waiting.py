"""For which servers a step waits before it shows its tools, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, Literal

from mcpool.backend.first_sight import wait_for_sight
from mcpool.config.server import ServerConfig
from mcpool.errors import ServerUnavailable
from mcpool.runtime.runtime import Binding, Runtime

Patience = Literal["none", "grace", "full"]
"""`grace`: a moment, which all such servers share; `full`: until it runs, or has failed."""


def patience(*, connected: bool, known: bool, wanted: bool, chosen: bool = False) -> Patience:
    """How long to wait for one server. Pure.

    `known`: its tools were seen before, and are believed; `wanted`: it is required, or was named for this step.
    `chosen`: it was chosen for the thread, and has not failed.
    """
    if connected:
        return "none"
    if wanted:
        return "full"
    if known:
        return "none"
    return "full" if chosen else "grace"


async def wait_for_servers(bindings: Mapping[str, Binding], named: Collection[str], grace: float) -> None:
    """Wait as `patience` says, for all at the same time. That one fails is nothing to a step: it has no tools then."""
    loop = asyncio.get_running_loop()
    waits: list[Coroutine[Any, Any, object]] = []
    for name, binding in bindings.items():
        backend = binding.lease.backend
        known = backend.known
        match patience(
            connected=backend.current is not None,
            known=backend.catalogue is not None and not known.doubted,
            wanted=binding.config.required or name in named or binding.view.plugin in named,
            chosen=binding.chosen and backend.last_error is None,
        ):
            case "full":
                waits.append(started(binding))
            case "grace":
                waits.append(wait_for_sight(backend, known.window, known.seen(loop), grace))
            case _ if known.stale:
                backend.begin()
            case _:
                continue
    if waits:
        await asyncio.gather(*waits)


Outcomes = tuple[Runtime, dict[str, ServerUnavailable | None]]
"""A runtime, and by server why it does not run; None: it does."""


async def all_started(
    refresh: Callable[[], Awaitable[None]],
    current: Callable[[], Runtime],
    is_current: Callable[[Runtime], bool],
    wanted: Callable[[ServerConfig], bool],
) -> Outcomes:
    """Start what is wanted of the runtime that is current in the end: one that is replaced meanwhile may never."""
    while True:
        await refresh()
        runtime = current()
        names = [name for name, binding in runtime.bindings.items() if wanted(binding.config)]
        outcomes = await asyncio.gather(*(started(runtime.bindings[name]) for name in names))
        if is_current(runtime):
            return runtime, dict(zip(names, outcomes, strict=True))


async def started(binding: Binding) -> ServerUnavailable | None:
    """Start a server and wait until it is ready; why it is not, if so."""
    try:
        await binding.lease.backend.connected()
    except ServerUnavailable as error:
        error.rename(binding.config.name)
        return error
    return None
