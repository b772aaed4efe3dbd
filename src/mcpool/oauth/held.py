"""The grant of one place as one process holds it: read once for all who need it, and kept as soon as it can be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from mcpool.errors import ConfigError, ServerUnavailable
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.kept import still_counts
from mcpool.oauth.store import GrantStore

_log = logging.getLogger("mcpool")

PAUSES = (5.0, 15.0, 60.0, 300.0)
"""Seconds between attempts to keep what could not be kept; the last one again and again."""


@dataclass(frozen=True, slots=True)
class _Unkept:
    """A renewed grant that is in memory only, and when that which it renews was written."""

    grant: Grant
    since: float


class Held:
    """What a process knows of one grant. `close` it."""

    def __init__(self, server: str, place: Place, store: GrantStore, pauses: Sequence[float] = PAUSES) -> None:
        self.grant: Grant | None = None
        """As of the last look."""
        self._server = server
        self._place = place
        self._store = store
        self._pauses = pauses
        self._known = False
        self._written_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._unkept: _Unkept | None = None
        self._keeping: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return repr(self.grant)

    @property
    def unkept(self) -> bool:
        """Whether something is in memory only."""
        return self._unkept is not None

    def look_again(self) -> None:
        """Somebody may have signed in or out since: read what is kept when it is next needed."""
        self._known = False

    async def get(self) -> Grant | None:
        """The grant, read if need be: once for all who wait for it.

        Raises:
            ServerUnavailable: it cannot be read.
        """
        if not self._known:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look(), name=f"mcpool-oauth-look-{self._server}")
                self._looking.add_done_callback(self._looked)
            await asyncio.shield(self._looking)
        return self.grant

    async def _look(self) -> None:
        try:
            await self.read()
        except (ConfigError, OSError) as error:
            if self.grant is None:
                what = f"its sign-in could not be read: {error}"
                raise ServerUnavailable(self._server, what) from None
            self._known = True  # a keyring that was locked meanwhile takes nothing away

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()  # told to those who waited, if there still are any

    async def read(self) -> Grant | None:
        """Read it now. Raises: as `GrantStore.read`, and OSError."""
        try:
            kept = await self._store.read(self._place)
        except ConfigError:
            if self._unkept is None:
                raise
            kept = None
        if self._unkept is not None and still_counts(self._unkept.since, kept):
            self.grant = self._unkept.grant
        else:
            self._unkept = None
            self.grant = None if kept is None else kept.grant
            self._written_at = 0.0 if kept is None else kept.written_at
        self._known = True
        return self.grant

    async def renewed(self, grant: Grant) -> None:
        """What was read is renewed: keep that. The caller has locked the place.

        If it cannot be kept now it is held in memory, and kept later: the issuer no longer takes the one before it.
        """
        self.grant = grant
        self._unkept = _Unkept(grant, self._written_at)
        try:
            await self._keep()
        except (ConfigError, OSError) as error:
            _log.warning("`%s`: its renewed sign-in is in memory only until it can be kept: %s", self._server, error)
            if self._keeping is None:
                self._keeping = asyncio.create_task(self._keep_later(), name=f"mcpool-oauth-keep-{self._server}")

    async def _keep(self) -> None:
        unkept = self._unkept
        if unkept is None:
            return
        kept = await self._store.renew(self._place, unkept.grant, unkept.since)
        self._unkept = None
        if kept is None:
            self._known = False  # somebody has signed in or out meanwhile: that counts
        else:
            self._written_at = kept.written_at

    async def _keep_later(self) -> None:
        pauses = iter(self._pauses)
        pause = next(pauses)
        while self._unkept is not None:
            await asyncio.sleep(pause)
            pause = next(pauses, pause)
            with suppress(ConfigError, OSError):
                async with self._store.locked(self._place):
                    await self._keep()
        self._keeping = None

    async def close(self, patience: float) -> None:
        """Try once more, for so many seconds, to keep what is in memory only."""
        for task in (self._looking, self._keeping):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._unkept is not None:
            try:
                async with asyncio.timeout(patience), self._store.locked(self._place):
                    await self._keep()
            except (ConfigError, OSError) as error:
                why = str(error) or f"not done within {patience:g} s"
                _log.error(
                    "`%s`: its renewed sign-in is lost, so sign in again: it could not be kept: %s", self._server, why
                )
