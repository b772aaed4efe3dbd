"""The tokens of clients: one file each in `tokens/`, named after the principal on whose behalf its holder speaks."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from pathlib import Path
from typing import Protocol

from mcpool.errors import DaemonError

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHORTEST = 16
_LONGEST = 4096
_LOOK_AGAIN = 1.0


class Tokens(Protocol):
    """Who knows on whose behalf a client speaks."""

    def principal_of(self, token: str) -> str | None:
        """The principal behind a token, None if the token is not good."""
        ...

    def revoked(self) -> frozenset[str]:
        """The principals of whom a token was taken away since this was last asked."""
        ...


class TokenStore:
    """The tokens in `home/tokens`. Files that are added count at once, those that are removed within a second."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "tokens"
        self._by_digest: dict[bytes, str] = {}
        self._stamp: tuple[int, int] | None = None
        self._looked = float("-inf")
        self._revoked: set[str] = set()

    def principal_of(self, token: str) -> str | None:
        """On whose behalf the holder of this token speaks; None if it is none of ours.

        What is compared are digests, so the time it takes says nothing about a token.
        """
        digest, now = _digest(token), time.monotonic()
        if digest not in self._by_digest or now - self._looked > _LOOK_AGAIN:
            self._looked = now
            self._load_if_changed()
        return self._by_digest.get(digest)

    def revoked(self) -> frozenset[str]:
        """The principals of whom a token was taken away, or replaced, since this was last asked."""
        self._load_if_changed()
        revoked = frozenset(self._revoked)
        self._revoked.clear()
        return revoked

    def create(self, name: str = DEFAULT) -> Path:
        """Make a token of this name, unless it exists, and return its file.

        Raises:
            DaemonError: the name is not fit for a file name.
        """
        path = self._path(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
        except OSError:
            path.unlink(missing_ok=True)  # On a full disk: half a token would keep its name from being used.
            raise
        self.look_again()
        return path

    def revoke(self, name: str) -> None:
        """Take the token of this name away, if there is one: whoever holds it is refused within a second."""
        self._path(name).unlink(missing_ok=True)
        self.look_again()

    def look_again(self) -> None:
        """Have the next look at the folder come at once."""
        self._looked = float("-inf")

    def names(self) -> tuple[str, ...]:
        """The principals that have a token, sorted."""
        if not self._folder.is_dir():
            return ()
        return tuple(sorted(entry.name for entry in self._folder.iterdir() if _NAME.fullmatch(entry.name)))

    def read(self, name: str = DEFAULT) -> str:
        """The token of that name.

        Raises:
            DaemonError: there is none, or its file is not one.
        """
        path = self._path(name)
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"token `{name}`: cannot read {path}: {error}; `mcpool token new {name}` makes one"
            raise DaemonError(msg) from error
        if not _SHORTEST <= len(token) <= _LONGEST:
            msg = f"token `{name}`: {path} does not hold a token of at least {_SHORTEST} characters; remove the file"
            raise DaemonError(msg)
        return token

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            msg = f"token name {name!r}: use letters, digits, `.`, `_` and `-`, at most 64 of them"
            raise DaemonError(msg)
        return self._folder / name

    def _load_if_changed(self) -> None:
        try:
            status = self._folder.stat()
        except OSError:
            self._replace({}, None)
            return
        stamp = (status.st_mtime_ns, status.st_ino)
        # A folder changed within the clock's grain may change again without showing it.
        settled = time.time_ns() - status.st_mtime_ns > 2_000_000_000
        if stamp == self._stamp:
            return
        tokens: dict[bytes, str] = {}
        for name in self.names():
            try:
                tokens[_digest(self.read(name))] = name
            except DaemonError:
                settled = False
        self._replace(tokens, stamp if settled else None)

    def _replace(self, tokens: dict[bytes, str], stamp: tuple[int, int] | None) -> None:
        self._revoked.update(name for digest, name in self._by_digest.items() if digest not in tokens)
        self._by_digest, self._stamp = tokens, stamp


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
