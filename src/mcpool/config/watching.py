"""Seeing when configuration files are edited, created, replaced or removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from pathlib import Path

DEBOUNCE = 0.5
"""Seconds for which the files are let alone before an edit counts as done."""

_STEP = 0.1
"""Seconds between two looks of the thread that watches; so long does it take to end."""


async def edits(files: Collection[Path], enough: asyncio.Event) -> AsyncGenerator[frozenset[Path]]:
    """The files that changed, each time that some did, until `enough` is set. Of a folder among them, what comes and
    goes directly in it counts.

    Folders are watched, because editors put new files in the place of old ones. A folder that does not exist is not
    watched: look again when it may.
    """
    from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]  # of an event that it takes

    wanted = {file.absolute() for file in files}
    whole = {file for file in wanted if file.is_dir()}
    folders = whole.union(file.parent for file in wanted if file.parent.is_dir())
    if not folders:
        await enough.wait()
        return
    watching = awatch(
        *folders,
        watch_filter=lambda _, path: Path(path) in wanted or Path(path).parent in whole,
        stop_event=enough,
        debounce=int(DEBOUNCE * 1000),
        step=int(_STEP * 1000),
        recursive=False,
    )
    async for changes in watching:
        yield frozenset(Path(path) for _, path in changes)
