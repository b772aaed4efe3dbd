"""Reading the files of an environment: the same few questions wherever they are."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, Protocol, TypeVar

T = TypeVar("T")

Kind = Literal["file", "folder", "other"]
"""What stands at a path, links followed. `other`: a device, a socket, a link to nothing."""

MOST_ENTRIES: Final = 10_000
"""Entries of a folder that is listed; a larger one is an error."""

AT_ONCE: Final = 4
"""Questions that this machine's disk answers at the same time: each takes a thread."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    kind: Kind


class Files(Protocol):
    """The files of one environment. Paths are absolute and of the environment's own kind.

    Every method raises an `OSError` as the system would: `FileNotFoundError`, `PermissionError`, `NotADirectoryError`
    and so on; `ConnectionError` where the environment can't be reached.
    """

    async def read(self, path: str, limit: int) -> bytes:
        """The whole content of a regular file of at most `limit` bytes.

        Raises:
            OSError: it can't be read; with `EFBIG` if it is larger, with `EINVAL` if it is no regular file.
        """
        ...

    async def list(self, path: str) -> tuple[Entry, ...]:
        """What is in a folder, by name. Raises: OSError, with `EFBIG` if it holds more than `MOST_ENTRIES`."""
        ...

    async def kind(self, path: str) -> Kind:
        """What stands at a path. Raises: FileNotFoundError if nothing does, a link to nothing included; OSError."""
        ...

    async def real_path(self, path: str) -> str:
        """The path with all links resolved. Raises: FileNotFoundError if nothing stands there; OSError."""
        ...


class LocalFiles:
    """The files of this machine (`Files`), looked at in threads, a few at the same time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def read(self, path: str, limit: int) -> bytes:
        """The content of a file (`Files.read`)."""
        return await self._in_thread(lambda: read_file(path, limit))

    async def list(self, path: str) -> tuple[Entry, ...]:
        """What is in a folder (`Files.list`)."""
        return await self._in_thread(lambda: list_folder(path))

    async def kind(self, path: str) -> Kind:
        """What stands at a path (`Files.kind`)."""
        return await self._in_thread(lambda: kind_of(os.stat(absolute(path)).st_mode))

    async def real_path(self, path: str) -> str:
        """The path with links resolved (`Files.real_path`)."""
        return await self._in_thread(lambda: os.path.realpath(absolute(path), strict=True))

    async def _in_thread(self, look: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(look)


def absolute(path: str) -> str:
    """The path itself. Raises: OSError with `EINVAL` if it is relative, or no path at all."""
    if not os.path.isabs(path) or "\0" in path:
        raise OSError(errno.EINVAL, "not an absolute path", path)
    return path


def read_file(path: str, limit: int) -> bytes:
    """`Files.read`, blocking. A pipe or a device is never waited for."""
    handle = os.open(absolute(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
    return content


def list_folder(path: str) -> tuple[Entry, ...]:
    """`Files.list`, blocking."""
    with os.scandir(absolute(path)) as found:
        entries = tuple(Entry(entry.name, _kind_of_entry(entry)) for entry in islice(found, MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise OSError(errno.EFBIG, f"holds more than {MOST_ENTRIES} entries", path)
    return tuple(sorted(entries, key=lambda entry: entry.name))


def kind_of(mode: int) -> Kind:
    """What the mode of `stat` says."""
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def _kind_of_entry(entry: os.DirEntry[str]) -> Kind:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "other"
    except OSError:  # a link in a circle
        return "other"
