"""Lists of tools in private files, so that the next host shows the tools of known servers at once.

A file is named by a keyed digest of the server's identity, which tells nothing of it. What it holds is only ever shown;
decisions wait for the server's live list.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from mcpool.backend.catalogues import Kept
from mcpool.catalog.identity import Identity, digest
from mcpool.config.home import home_key
from mcpool.errors import ConfigError

FOLDER = "catalogues"
MOST_FILES = 256
MOST_BYTES = 4 * 1024 * 1024
"""Of one list. A longer one is not kept."""

FRESH = 3600.0
"""Seconds after which a list is read again as soon as somebody looks at it."""

EXPIRED = 30 * 24 * 3600.0
"""Seconds after which it is not shown any more."""

_VERSION = 1
_logger = logging.getLogger("mcpool")


class _File(msgspec.Struct):
    version: int
    tools: list[msgspec.Raw]


class CatalogueFiles:
    """A `CatalogueStore`: the newest lists, in a folder of the home, for this user alone.

    What cannot be read or written is as if it had not been kept. `spawn` starts a task that the host awaits: writing is
    done beside the event loop.
    """

    def __init__(
        self, folder: Path, key: bytes, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        self._folder = folder
        self._key = key
        self._spawn = spawn
        self._unwritten: dict[Path, tuple[bytes, ...]] = {}
        self._writing = False
        self._warned = False

    def load(self, identity: Identity) -> Kept | None:
        """The list that was kept last, if it is not too old."""
        path = self._path(identity)
        try:
            age = time.time() - path.stat().st_mtime
            if age > EXPIRED:
                return None
            found = msgspec.json.decode(path.read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            return None
        if found.version != _VERSION:
            return None
        return Kept(tuple(map(bytes, found.tools)), stale=not 0 <= age < FRESH)

    def save(self, identity: Identity, tools: tuple[bytes, ...]) -> None:
        """Keep a list in place of the one before, soon."""
        self._unwritten[self._path(identity)] = tools
        if not self._writing:
            self._writing = True
            self._spawn(self._write_all())

    def _path(self, identity: Identity) -> Path:
        return self._folder / f"{digest(identity, self._key)}.json"

    async def _write_all(self) -> None:
        try:
            while self._unwritten:
                batch, self._unwritten = self._unwritten, {}
                await asyncio.to_thread(self._write, batch)
        finally:
            self._writing = False

    def _write(self, batch: dict[Path, tuple[bytes, ...]]) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for path, tools in batch.items():
                _write(path, tools)
            _forget_oldest(self._folder)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _logger.warning("%s: lists of tools cannot be kept there: %s", self._folder, error)


def catalogue_files(
    home: Path, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
) -> CatalogueFiles | None:
    """The files of a home; None if its key can't be had, which is no reason not to run."""
    try:
        return CatalogueFiles(home / FOLDER, home_key(home), spawn)
    except (ConfigError, OSError) as error:
        _logger.warning("lists of tools are not kept: %s", error)
        return None


def _write(path: Path, tools: tuple[bytes, ...]) -> None:
    """Put it in place whole; mkstemp makes the file 0600."""
    if sum(map(len, tools)) > MOST_BYTES:
        path.unlink(missing_ok=True)
        return
    content = msgspec.json.encode(_File(_VERSION, [msgspec.Raw(tool) for tool in tools]))
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _forget_oldest(folder: Path) -> None:
    """Keep the newest. Other hosts of this home may do the same at the same time."""
    ages: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            ages.append((path.stat().st_mtime, path))
    for _, path in sorted(ages, reverse=True)[MOST_FILES:]:
        path.unlink(missing_ok=True)
