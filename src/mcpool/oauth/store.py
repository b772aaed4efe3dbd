"""Where grants are kept: the system's keyring, or one private file each in `oauth/` of the home."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol

import msgspec

from mcpool.config.expand import SecretsError
from mcpool.config.home import home_key
from mcpool.config.model import OAuthStore
from mcpool.config.secrets import delete_keyring_secret, keyring_secret, keyring_works, store_keyring_secret
from mcpool.errors import ConfigError
from mcpool.oauth.grant import Grant, Place, decode, encode

LOCK_PATIENCE = 60.0
"""Seconds to wait for another process that renews the same grant."""
_POLL = 0.05


class GrantStore:
    """The grants of one home. Reading and writing block for a moment; use a thread where that matters."""

    def __init__(self, home: Path, kind: OAuthStore = "auto") -> None:
        self._home = home
        self._folder = home / "oauth"
        self._kind = kind

    def keep_in(self, kind: OAuthStore) -> None:
        """The configuration has another wish."""
        if kind != self._kind:
            self._kind = kind
            self.__dict__.pop("_keeper", None)

    @cached_property
    def _keeper(self) -> _Keeper:
        files = _Files(self._folder)
        if self._kind == "keyring":
            return _Keyring()
        # A keyring that came later, or went, must not hide what is in files.
        return _First(_Keyring(), files) if self._kind == "auto" and keyring_works() else files

    def read(self, place: Place) -> Grant | None:
        """The grant for a place; None if nobody has signed in, or what is kept cannot be understood.

        Raises:
            ConfigError: the keyring or the file cannot be read.
        """
        data = self._keeper.read(self._name(place))
        return None if data is None else decode(data)

    def write(self, place: Place, grant: Grant) -> None:
        """Keep a grant, in the place of what is there. Raises: as `read`."""
        self._keeper.write(self._name(place), encode(grant))

    def delete(self, place: Place) -> bool:
        """Forget a grant; False if there is none. Raises: as `read`."""
        return self._keeper.delete(self._name(place))

    @asynccontextmanager
    async def locked(self, place: Place, patience: float = LOCK_PATIENCE) -> AsyncGenerator[None]:
        """Keep other processes from renewing the same grant meanwhile.

        Raises:
            TimeoutError: another one had it for all of `patience` seconds.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._folder / f"{self._name(place)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(patience):
                while not _locked(handle):  # noqa: ASYNC110 - a lock of the system tells nobody when it is free
                    await asyncio.sleep(_POLL)
            yield
        finally:
            os.close(handle)

    def _name(self, place: Place) -> str:
        """Equal for equal places; it tells nothing of them to who does not have the home's key."""
        return hmac.new(home_key(self._home), b"oauth" + msgspec.json.encode(place), hashlib.sha256).hexdigest()[:40]


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Keeper(Protocol):
    def read(self, name: str) -> bytes | None: ...

    def write(self, name: str, data: bytes) -> None: ...

    def delete(self, name: str) -> bool: ...


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(path, "read", error) from error

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".")  # 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise _refused(path, "written", error) from error

    def delete(self, name: str) -> bool:
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(self._path(name), "removed", error) from error
        return True

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


class _Keyring:
    def read(self, name: str) -> bytes | None:
        try:
            text = keyring_secret(f"oauth:{name}")
        except SecretsError as error:
            raise _unusable(error) from error
        return None if text is None else text.encode()

    def write(self, name: str, data: bytes) -> None:
        try:
            store_keyring_secret(f"oauth:{name}", data.decode())
        except SecretsError as error:
            raise _unusable(error) from error

    def delete(self, name: str) -> bool:
        try:
            return delete_keyring_secret(f"oauth:{name}")
        except SecretsError as error:
            raise _unusable(error) from error


class _First:
    """Keeps things in the first of two; what is in the second is still found."""

    def __init__(self, first: _Keeper, second: _Keeper) -> None:
        self._first = first
        self._second = second

    def read(self, name: str) -> bytes | None:
        found = self._first.read(name)
        return found if found is not None else self._second.read(name)

    def write(self, name: str, data: bytes) -> None:
        self._first.write(name, data)
        self._second.delete(name)

    def delete(self, name: str) -> bool:
        return any([self._first.delete(name), self._second.delete(name)])


def _refused(path: Path, what: str, error: OSError) -> ConfigError:
    return ConfigError([f"the sign-in in {path} could not be {what}: {error.strerror or error}"])


def _unusable(error: SecretsError) -> ConfigError:
    remedy = 'or keep sign-ins in private files: mcp_oauth_credentials_store = "file"'
    return ConfigError([f"sign-ins are kept in the keyring: {error}; {remedy}"])
