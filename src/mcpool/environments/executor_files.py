"""The files of an executor."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from mcpool.environments import protocol
from mcpool.environments.file_uri import to_path, to_uri
from mcpool.environments.files import MOST_ENTRIES, Entry, Kind
from mcpool.environments.protocol import FileContent, Folder, FolderEntry, Metadata, Path
from mcpool.environments.session import Refused, Session

T = TypeVar("T")
SECONDS = 30.0
"""For one question; longer than a lost socket takes to be had back, or given up."""

LARGEST_FILE = protocol.LARGEST_MESSAGE // 2
"""Bytes of a file that is read: it comes as one message, and takes a third more in there."""

_OS_ERROR = re.compile(r"\(os error ([0-9]{1,9})\)")


class ExecutorFiles:
    """`Files` over whatever session there is at the moment."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` raises EnvironmentUnavailable when there is none."""
        self._session = session

    async def read(self, path: str, limit: int) -> bytes:
        """The content of a file (`Files.read`)."""
        found = await self._ask(protocol.METADATA, path, Metadata)
        if found.is_directory:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not found.is_file:
            raise OSError(errno.EINVAL, "not a regular file", path)
        limit = min(limit, LARGEST_FILE)
        content = b"" if found.size > limit else (await self._ask(protocol.READ_FILE, path, FileContent)).data_base64
        if max(found.size, len(content)) > limit:
            raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
        return content

    async def list(self, path: str) -> tuple[Entry, ...]:
        """What is in a folder (`Files.list`)."""
        found = (await self._ask(protocol.READ_FOLDER, path, Folder)).entries
        if len(found) > MOST_ENTRIES:
            raise OSError(errno.EFBIG, f"holds more than {MOST_ENTRIES} entries", path)
        return tuple(sorted((Entry(entry.file_name, _kind(entry)) for entry in found), key=lambda entry: entry.name))

    async def kind(self, path: str) -> Kind:
        """What stands at a path (`Files.kind`)."""
        return _kind(await self._ask(protocol.METADATA, path, Metadata))

    async def real_path(self, path: str) -> str:
        """The path with links resolved (`Files.real_path`)."""
        found = await self._ask(protocol.REAL_PATH, path, Path)
        try:
            return to_path(found.path)
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error), path) from None

    async def _ask(self, method: str, path: str, kind: type[T]) -> T:
        asking: Coroutine[Any, Any, T] = self._session().request(method, Path(to_uri(path)), kind)
        try:
            async with asyncio.timeout(SECONDS):
                return await asking
        except Refused as refused:
            raise _os_error(refused, path) from None
        except TimeoutError:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer from the environment within {SECONDS:g} s", path) from None


def _kind(found: Metadata | FolderEntry) -> Kind:
    return "folder" if found.is_directory else "file" if found.is_file else "other"


def _os_error(refused: Refused, path: str) -> OSError:
    """The error that the system there gave, as far as it can be known from here."""
    said = refused.fault.message
    told = _OS_ERROR.search(said)
    if told is not None:
        return OSError(int(told[1]), said, path)
    if refused.fault.code == protocol.NOT_FOUND:
        return FileNotFoundError(errno.ENOENT, said, path)
    return OSError(errno.EIO, said, path)
