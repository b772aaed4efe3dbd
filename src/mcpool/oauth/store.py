"""Where grants are kept: the system's keyring, or one private file each in `oauth/` of the home."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from mcpool.config.home import home_key
from mcpool.config.model import OAuthStore
from mcpool.errors import ConfigError
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.keepers import Absent, Files, Keyring, Patient
from mcpool.oauth.kept import Kept, decode, encode, newest, stamp, still_counts

LOCK_PATIENCE = 60.0
"""Seconds to wait for another process that renews the same grant."""
PATIENCE = 10.0
"""Seconds that the keyring, or the disk, may take. A keyring that is locked may be asking for a password meanwhile."""
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class _Copies:
    """What is where, as far as that can be read."""

    by_keeper: dict[Patient, Kept | None]
    unread: ConfigError | None
    """Why something could not be read that may be there."""

    @property
    def newest(self) -> Kept | None:
        return newest(self.by_keeper.values())


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a sign-out has put an end to."""

    grant: Grant | None
    """None: nobody was signed in, as far as could be seen."""
    unread: ConfigError | None
    """Why there may be a grant that could not be seen. It counts no longer all the same."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A grant for a place that nobody has any more."""

    name: str
    """The name that it is kept under."""
    server: str
    """What its server was called, or else its host."""
    principal: str
    environment: str
    grant: Grant


class GrantStore:
    """The grants of one home. With `auto` both places are read, and the newer copy counts."""

    def __init__(
        self,
        home: Path,
        kind: OAuthStore = "auto",
        *,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
        lock_patience: float = LOCK_PATIENCE,
    ) -> None:
        self._home = home
        self._folder = home / "oauth"
        self._kind = kind
        self._clock = clock
        self._lock_patience = lock_patience
        self._files = Patient(Files(self._folder), patience)
        self._keyring = Patient(Keyring(), patience)

    def keep_in(self, kind: OAuthStore) -> None:
        """The configuration has another wish."""
        self._kind = kind

    @property
    def _keepers(self) -> tuple[Patient, ...]:
        """Where to look and where to keep a new one, the best place first."""
        if self._kind == "auto":
            return self._keyring, self._files
        return (self._keyring,) if self._kind == "keyring" else (self._files,)

    async def read(self, place: Place) -> Kept | None:
        """What is known for a place; None if that is nothing, or cannot be understood.

        Raises:
            ConfigError: the keyring or the file cannot be read, and there is nothing else to go by.
        """
        copies = await self._copies(self._name(place))
        if copies.newest is None and copies.unread is not None:
            raise copies.unread
        return copies.newest

    async def registered(self, place: Place) -> Grant | None:
        """What is left of the last sign-in, for its registration. Where that cannot be read it is made anew."""
        try:
            kept = await self.read(place)
        except ConfigError:
            return None
        return None if kept is None else kept.grant

    async def write(self, place: Place, grant: Grant, server: str = "") -> None:
        """Keep what came of a sign-in to a server of this name, whatever is there.

        Raises:
            ConfigError: it can be kept nowhere.
        """
        name = self._name(place)
        async with self._locked_if_possible(name):
            kept = Kept(0.0, grant, server, place.principal, place.environment)
            await self._write(name, kept, await self._copies(name), self._keepers)

    async def renew(self, place: Place, grant: Grant, since: float) -> Kept | None:
        """Keep what came of renewing what was written at `since`. Its caller has `locked` the place.

        It stays where that was: what a process without a keyring has signed in to, that process must find.
        None if it was not kept: somebody has signed in or out meanwhile.

        Raises:
            ConfigError: it can be kept nowhere now.
        """
        name = self._name(place)
        copies = await self._copies(name)
        before = copies.newest
        if not still_counts(since, before):
            return None
        kept = Kept(0.0, grant) if before is None else msgspec.structs.replace(before, grant=grant)
        elsewhere = [keeper for keeper in self._keepers if copies.by_keeper.get(keeper) is not before]
        here = [keeper for keeper in self._keepers if keeper not in elsewhere]
        return await self._write(name, kept, copies, here + elsewhere)

    async def forget(self, place: Place) -> Forgotten:
        """Sign out: from now on no copy counts, one that cannot be reached included.

        Raises:
            ConfigError: that can be written nowhere.
        """
        return await self._forget(self._name(place))

    async def left_over(self, places: Iterable[Place]) -> list[LeftOver]:
        """The grants that are for none of these places. What cannot be read is not among them."""
        found: list[LeftOver] = []
        for name in sorted(self._names() - {self._name(place) for place in places}):
            kept = (await self._copies(name)).newest
            if kept is not None and kept.grant is not None:
                server = kept.server or urlsplit(kept.grant.url).hostname or "-"
                found.append(LeftOver(name, server, kept.principal, kept.environment, kept.grant))
        return found

    async def forget_left_over(self, one: LeftOver) -> Forgotten:
        """As `forget`."""
        return await self._forget(one.name)

    @asynccontextmanager
    async def locked(self, place: Place) -> AsyncGenerator[None]:
        """Keep other processes from renewing the same grant meanwhile.

        Raises:
            TimeoutError: another one had it for too long.
            OSError: the file of the lock cannot be made.
        """
        async with self._locked(self._name(place)):
            yield

    @asynccontextmanager
    async def _locked(self, name: str) -> AsyncGenerator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(self._lock_patience):
                while not _has_lock(handle):  # noqa: ASYNC110 - a lock of the system tells nobody when it is free
                    await asyncio.sleep(_POLL)
            yield
        finally:
            os.close(handle)

    @asynccontextmanager
    async def _locked_if_possible(self, name: str) -> AsyncGenerator[None]:
        """A person has decided, and nothing that hangs shall prevent it: `renew` notices what was written meanwhile."""
        async with AsyncExitStack() as stack:
            with suppress(OSError):
                await stack.enter_async_context(self._locked(name))
            yield

    def _names(self) -> set[str]:
        """What was ever kept here: each has had a lock, or has a file."""
        return {path.stem for kind in ("lock", "json") for path in self._folder.glob(f"*.{kind}")}

    async def _forget(self, name: str) -> Forgotten:
        async with self._locked_if_possible(name):
            copies = await self._copies(name)
            grant = None if copies.newest is None else copies.newest.grant
            if grant is not None or copies.unread is not None:
                # In a file if possible: every process finds that, and the note is no secret.
                await self._write(name, Kept(0.0), copies, self._keepers[::-1])
            return Forgotten(grant, copies.unread)

    async def _copies(self, name: str) -> _Copies:
        found: dict[Patient, Kept | None] = {}
        unread: ConfigError | None = None
        for keeper in self._keepers:
            try:
                data = await keeper.read(name)
            except Absent as error:
                if len(self._keepers) == 1:
                    unread = error  # it was asked for by name
            except ConfigError as error:
                unread = error
            else:
                found[keeper] = None if data is None else decode(data)
        return _Copies(found, unread)

    async def _write(self, name: str, kept: Kept, copies: _Copies, keepers: Sequence[Patient]) -> Kept:
        """Keep it, stamped, in the first of the places that takes it, and nothing older in the others."""
        kept = msgspec.structs.replace(kept, written_at=stamp(self._clock(), copies.newest))
        refused: list[ConfigError] = []
        for keeper in keepers:
            try:
                await keeper.write(name, encode(kept))
            except ConfigError as error:
                refused.append(error)
                continue
            for other in keepers:
                if other is not keeper and copies.by_keeper.get(other) is not None:
                    with suppress(ConfigError):  # then it stays there, and does not count
                        await other.delete(name)
            return kept
        raise next((error for error in refused if not isinstance(error, Absent)), refused[0])

    def _name(self, place: Place) -> str:
        """Equal for equal places; it tells nothing of them to who does not have the home's key."""
        return hmac.new(home_key(self._home), b"oauth" + place.key(), hashlib.sha256).hexdigest()[:40]


def _has_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
