"""What this machine's files are to a client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from mcpool.environments.exec_server.refusal import Refusal, refusal_of
from mcpool.environments.file_uri import to_path, to_uri
from mcpool.environments.files import AT_ONCE, absolute, kind_of, list_folder, read_file
from mcpool.environments.protocol import (
    INVALID_PARAMS,
    LARGEST_MESSAGE,
    FileContent,
    Folder,
    FolderEntry,
    Metadata,
    Path,
    readable,
)

T = TypeVar("T")
LARGEST_FILE = LARGEST_MESSAGE // 2
"""Bytes of a file that is read; in base64 it takes a third more."""


class FileAnswers:
    """Looks at files in threads, a few at the same time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def read(self, asked: Path) -> FileContent:
        """A whole file. Raises: Refusal."""
        return FileContent(await self._look(asked, lambda path: read_file(path, LARGEST_FILE)))

    async def list(self, asked: Path) -> Folder:
        """A whole folder. Raises: Refusal."""
        entries = await self._look(asked, list_folder)
        return Folder(
            tuple(FolderEntry(readable(entry.name), entry.kind == "folder", entry.kind == "file") for entry in entries)
        )

    async def metadata(self, asked: Path) -> Metadata:
        """What stands there. Raises: Refusal."""
        return await self._look(asked, _metadata)

    async def real_path(self, asked: Path) -> Path:
        """The path with links resolved. Raises: Refusal."""
        return Path(to_uri(await self._look(asked, lambda path: os.path.realpath(absolute(path), strict=True))))

    async def _look(self, asked: Path, look: Callable[[str], T]) -> T:
        try:
            path = to_path(asked.path)
        except ValueError as error:
            raise Refusal(INVALID_PARAMS, str(error)) from None
        try:
            async with self._turn:
                return await asyncio.to_thread(look, path)
        except OSError as error:
            raise refusal_of(error) from None


def _metadata(path: str) -> Metadata:
    found = os.stat(absolute(path))
    kind = kind_of(found.st_mode)
    return Metadata(
        is_directory=kind == "folder",
        is_file=kind == "file",
        is_symlink=os.path.islink(path),
        size=found.st_size,
        created_at_ms=int(found.st_ctime * 1000),
        modified_at_ms=int(found.st_mtime * 1000),
    )
