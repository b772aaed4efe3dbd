"""Taking edits of the configuration over by itself, while a host runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from mcpool.catalog.edit import Edit, edit
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.config.watching import DEBOUNCE, edits

logger = logging.getLogger("mcpool")

LOOK_AGAIN = 2.0
"""Seconds until it is looked whether other files are to be watched."""


@dataclass(frozen=True, slots=True)
class Applied:
    """An edit that was taken over."""

    edit: Edit
    problems: tuple[Problem, ...]
    """What is wrong with the configuration now. What is wrong with a server keeps its definition of before."""


OnApplied = Callable[[Applied], None]


def log_applied(applied: Applied) -> None:
    """Say in the log what an edit did."""
    logger.info("the configuration was edited: %s", applied.edit)
    for problem in applied.problems:
        logger.warning("%s", problem)


class Watching:
    """Applies a configuration when one of its files changes."""

    def __init__(
        self,
        files: Callable[[], Collection[Path]],
        apply: Callable[[], Awaitable[tuple[Problem, ...]]],
        servers: Callable[[], tuple[ServerConfig, ...]],
        on_applied: OnApplied,
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        """`settled` waits until what was applied can be seen in `servers`."""
        self._files = files
        self._apply = apply
        self._servers = servers
        self._on_applied = on_applied
        self._settled = settled
        self._seen: dict[Path, _Stamp] = {}
        """The files as they were when they were last read: edits between two watches show by this."""
        self._told: tuple[ServerConfig, ...] = ()
        """The servers that were told of last: who edits may have had them applied already."""

    async def run(self) -> None:
        """Watch until it is cancelled."""
        self._look(self._files())
        await self._settled()
        self._told = self._servers()
        while True:
            files = frozenset(self._files())
            if self._missed(files):
                await asyncio.sleep(DEBOUNCE)
                await self._edited()
                continue
            enough = asyncio.Event()
            looking = asyncio.get_running_loop().create_task(self._look_for_others(files, enough))
            try:
                async for _ in edits(files, enough):
                    await asyncio.sleep(DEBOUNCE)
                    await self._edited()
                    if frozenset(self._files()) != files:
                        enough.set()  # what was edited names others, whose edits count from now on
            finally:
                enough.set()
                looking.cancel()
                await asyncio.wait([looking])

    async def _look_for_others(self, files: frozenset[Path], enough: asyncio.Event) -> None:
        folders = _folders(files)
        while frozenset(self._files()) == files and _folders(files) == folders:
            await asyncio.sleep(LOOK_AGAIN)
            if self._missed(files):
                break
        enough.set()

    async def _edited(self) -> None:
        self._look(self._files())
        problems = await self._apply()
        await self._settled()
        before, self._told = self._told, self._servers()
        self._on_applied(Applied(edit(before, self._told), problems))

    def _look(self, files: Collection[Path]) -> None:
        self._seen = {file: _stamp(file) for file in files}

    def _missed(self, files: Collection[Path]) -> bool:
        return any(file in self._seen and _stamp(file) != self._seen[file] for file in files)


_Stamp = tuple[int, int, int] | None
"""By what an edit shows; None: there is no such file."""


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _folders(files: Collection[Path]) -> frozenset[Path]:
    return frozenset(folder for file in files for folder in (file, file.parent) if folder.is_dir())
