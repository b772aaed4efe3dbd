"""The files of one folder of an environment, and nothing else of it, wherever links lead."""

from __future__ import annotations

import errno
import posixpath

from mcpool.environments.files import Entry, Files, Kind


class FilesWithin:
    """`Files` in which paths may be relative to the folder, and those that lead out of it are refused.

    Every method raises a `PermissionError` for such a path, without looking whether anything stands there.
    """

    def __init__(self, files: Files, folder: str) -> None:
        """Raises: ValueError, if the folder's path is not absolute."""
        if not posixpath.isabs(folder):
            raise ValueError(f"the folder {folder!r} that nothing may lead out of must be an absolute path")
        self._files = files
        self._folder = posixpath.normpath(folder)
        self._real: str | None = None

    def __repr__(self) -> str:
        return f"<FilesWithin {self._folder}>"

    async def read(self, path: str, limit: int) -> bytes:
        """The content of a file (`Files.read`)."""
        return await self._files.read(await self.real_path(path), limit)

    async def list(self, path: str) -> tuple[Entry, ...]:
        """What is in a folder (`Files.list`)."""
        return await self._files.list(await self.real_path(path))

    async def kind(self, path: str) -> Kind:
        """What stands at a path (`Files.kind`)."""
        return await self._files.kind(await self.real_path(path))

    async def real_path(self, path: str) -> str:
        """The path with links resolved (`Files.real_path`)."""
        if self._real is None:
            self._real = await self._files.real_path(self._folder)
        asked = posixpath.normpath(posixpath.join(self._folder, path))
        if not (_in(asked, self._folder) or _in(asked, self._real)):
            raise self._refusal("is outside of", path)
        real = await self._files.real_path(asked)
        if not _in(real, self._real):
            raise self._refusal("is a link that leads out of", path)
        return real

    def _refusal(self, what: str, path: str) -> PermissionError:
        return PermissionError(errno.EACCES, f"{what} {self._folder}", path)


def _in(path: str, folder: str) -> bool:
    return posixpath.commonpath((path, folder)) == folder
