"""What is kept of a thread for a host to come: a plain value, that JSON can hold and a later version can read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import msgspec

from mcpool.plugins.root import CapabilityRoot
from mcpool.threads.facts import ThreadFacts
from mcpool.world.section import Json

_VERSION = 1


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A thread as it was. Who is asked, what was approved, and servers that were given to it alone are no part of it:
    functions cannot be kept, and secrets should not."""

    version: int = _VERSION
    id: str
    cwd: str
    principal: str = ""
    only: tuple[str, ...] | None = None
    capability_roots: tuple[CapabilityRoot, ...] = ()
    world: dict[str, dict[str, Any]] = {}
    """The snapshots of what its model was told, by section: what its merge patches come to."""
    ran: tuple[str, ...] = ()
    """The servers that it had a process or session of, which does not outlive the host, or whose loss was not told."""


def keep(facts: ThreadFacts, world: Mapping[str, Json], ran: Collection[str]) -> dict[str, Any]:
    """The value."""
    kept = Kept(
        id=facts.id,
        cwd=facts.cwd,
        principal=facts.principal,
        only=None if facts.only is None else tuple(sorted(facts.only)),
        capability_roots=facts.roots,
        world=cast("dict[str, dict[str, Any]]", dict(world)),
        ran=tuple(sorted(ran)),
    )
    return cast("dict[str, Any]", msgspec.to_builtins(kept))


def read(value: object, *, processes_live: bool = False) -> Kept:
    """What a thread kept; `processes_live`: what it used belongs to somebody else, and may still run.

    Raises:
        ValueError: it is nothing of the kind.
    """
    try:
        kept = msgspec.convert(value, Kept)
    except msgspec.ValidationError as error:
        raise ValueError(f"this is nothing that `thread.kept()` returned: {error}") from None
    if kept.version != _VERSION:
        raise ValueError(f"this was kept by another version of mcpool (format {kept.version}); open a new thread")
    return msgspec.structs.replace(kept, ran=()) if processes_live else kept
