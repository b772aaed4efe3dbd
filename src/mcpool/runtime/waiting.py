"""For which servers a step waits before it shows its tools, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Literal

from mcpool.errors import ServerUnavailable
from mcpool.runtime.runtime import Binding

Patience = Literal["none", "grace", "full"]
"""`grace`: a moment, which all such servers share; `full`: until it runs, or has failed."""


def patience(*, connected: bool, known: bool, wanted: bool) -> Patience:
    """How long to wait for one server. Pure.

    `known`: its tools were seen before; `wanted`: it is required, or was named for this step.
    """
    if connected:
        return "none"
    if wanted:
        return "full"
    return "none" if known else "grace"


async def wait_for_servers(bindings: Mapping[str, Binding], named: Collection[str], grace: float) -> None:
    """Wait as `patience` says, for all at the same time. That one fails is nothing to a step: it has no tools then."""
    in_full: list[Binding] = []
    openings: list[asyncio.Future[ServerUnavailable | None]] = []
    for name, binding in bindings.items():
        backend = binding.lease.backend
        wait = patience(
            connected=backend.current is not None,
            known=backend.catalogue is not None,
            wanted=binding.config.required or name in named,
        )
        if wait == "full":
            in_full.append(binding)
        elif wait == "grace" and (opening := backend.begin_unseen(grace)) is not None:
            openings.append(opening)
    if in_full or openings:
        await asyncio.gather(_wait_a_moment(openings, grace), *(_wait_in_full(binding) for binding in in_full))


async def _wait_a_moment(openings: Collection[asyncio.Future[ServerUnavailable | None]], grace: float) -> None:
    if openings:
        await asyncio.wait(openings, timeout=grace)


async def _wait_in_full(binding: Binding) -> None:
    try:
        await binding.lease.backend.connected()
    except ServerUnavailable:
        return
