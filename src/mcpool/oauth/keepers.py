"""What keeps a secret under a name: a private file, or the system's keyring. Each call blocks, perhaps for long."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from mcpool.config.expand import SecretsError
from mcpool.config.own_thread import OwnThread
from mcpool.config.secrets import NoKeyring, delete_keyring_secret, keyring_secret, store_keyring_secret
from mcpool.errors import ConfigError

_T = TypeVar("_T")

_ABANDONED = 60.0
"""Seconds after which a file that was begun is nobody's any more."""
_REMEDY = 'to keep sign-ins in private files: mcp_oauth_credentials_store = "file"'


class Absent(ConfigError):
    """There is no such place on this machine, and so nothing is in it."""


class Keeper(Protocol):
    """One place for secrets. Its methods raise ConfigError if it cannot be used."""

    silence: str
    """What to say when it does not answer."""

    def read(self, name: str) -> bytes | None:
        """What is kept under that name."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Keep it, in the place of what is there."""
        ...

    def delete(self, name: str) -> None:
        """Keep nothing under that name."""
        ...


class Files:
    """A file each, for its owner alone, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.silence = f"the disk with {folder} does not answer"

    def read(self, name: str) -> bytes | None:
        """As `Keeper` says."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(path, "read", error) from error

    def write(self, name: str, data: bytes) -> None:
        """As `Keeper` says. It is never seen half written."""
        path = self._path(name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clear(name)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f".{name}.")  # 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
                self._settle()
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise _refused(path, "written", error) from error

    def delete(self, name: str) -> None:
        """As `Keeper` says."""
        try:
            self._path(name).unlink(missing_ok=True)
            self._clear(name)
        except OSError as error:
            raise _refused(self._path(name), "removed", error) from error

    def _settle(self) -> None:
        """Have the new name on the disk: the issuer takes what the old one stood for no more."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _clear(self, name: str) -> None:
        """Remove what a process that was killed has left half done: there are tokens in it."""
        for begun in self._folder.glob(f".{name}.*"):
            with suppress(FileNotFoundError):
                if begun.stat().st_mtime < time.time() - _ABANDONED:
                    begun.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


class Keyring:
    """The keyring of the system."""

    def __init__(self) -> None:
        self.silence = f"sign-ins are kept in the keyring, and it does not answer: unlock it, or, {_REMEDY}"

    def read(self, name: str) -> bytes | None:
        """As `Keeper` says."""
        try:
            text = keyring_secret(f"oauth:{name}")
        except SecretsError as error:
            raise _unusable(error) from error
        return None if text is None else text.encode()

    def write(self, name: str, data: bytes) -> None:
        """As `Keeper` says."""
        try:
            store_keyring_secret(f"oauth:{name}", data.decode())
            kept = keyring_secret(f"oauth:{name}")
        except SecretsError as error:
            raise _unusable(error) from error
        if kept != data.decode():
            # The one that keyrings are turned off with takes everything and keeps nothing.
            raise Absent([f"sign-ins are kept in the keyring, and it keeps nothing; {_REMEDY}"])

    def delete(self, name: str) -> None:
        """As `Keeper` says."""
        try:
            delete_keyring_secret(f"oauth:{name}")
        except SecretsError as error:
            raise _unusable(error) from error


class Patient:
    """A keeper in a thread of its own, so that nobody waits for it for longer than `patience` seconds."""

    def __init__(self, keeper: Keeper, patience: float) -> None:
        self._keeper = keeper
        self._thread = OwnThread(f"mcpool-oauth-{type(keeper).__name__.lower()}", patience)

    async def read(self, name: str) -> bytes | None:
        """As `Keeper` says."""
        return await self._run(lambda: self._keeper.read(name))

    async def write(self, name: str, data: bytes) -> None:
        """As `Keeper` says. If it did not answer, it may yet keep this."""
        await self._run(lambda: self._keeper.write(name, data))

    async def delete(self, name: str) -> None:
        """As `Keeper` says."""
        await self._run(lambda: self._keeper.delete(name))

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await self._thread.run(work)
        except TimeoutError as error:
            raise ConfigError([self._keeper.silence]) from error


def _refused(path: Path, what: str, error: OSError) -> ConfigError:
    return ConfigError([f"the sign-in in {path} could not be {what}: {error.strerror or error}"])


def _unusable(error: SecretsError) -> ConfigError:
    kind = Absent if isinstance(error, NoKeyring) else ConfigError
    return kind([f"sign-ins are kept in the keyring: {error}; {_REMEDY}"])
