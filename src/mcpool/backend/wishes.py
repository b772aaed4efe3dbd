"""What the holders of a backend want to hear, and telling its server so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec

from mcpool.backend.connection import Connection
from mcpool.backend.holder import Holder
from mcpool.backend.holders import Holders
from mcpool.backend.requests import Requests
from mcpool.errors import RpcError
from mcpool.wire.revisions import METHOD_NOT_FOUND


class Wishes:
    """Log levels and subscriptions, from the first holder that wants something to the last that does not any more.

    What a server is to tell is kept in `holders`; each new connection is told all of it before it is published.
    """

    def __init__(
        self,
        holders: Holders,
        requests: Requests,
        *,
        current: Callable[[], Connection | None],
        connected: Callable[[], Awaitable[Connection]],
    ) -> None:
        self._holders = holders
        self._requests = requests
        self._current = current
        self._connected = connected

    def leave(self, holder: Holder) -> None:
        """Take back one lease. With a holder's last one its wishes go, and the questions that it has not answered."""
        level, uris = self._holders.level_of(holder), self._holders.uris_of(holder)
        connection = self._current()
        if self._holders.remove(holder) and connection is not None:
            connection.left(holder)
            if uris or level is not None:
                connection.withdraw(uris)

    def dismiss(self, holder: Holder) -> None:
        """Nobody is there any more to answer what this holder was asked, though requests of it may go on."""
        connection = self._current()
        if connection is not None:
            connection.questions.dismiss(holder)

    def interrupt(self, holder: Holder) -> None:
        """The turn in which this holder was asked something is over: its open questions are answered as cancelled."""
        connection = self._current()
        if connection is not None:
            connection.questions.interrupt(holder)

    def carry_over(self, holder: Holder, level: str | None, uris: Iterable[str]) -> None:
        """A holder comes with what it asked of another backend, which this one replaces."""
        before = self._holders.lowest_level, self._holders.uris
        if level is not None:
            self._holders.set_level(holder, level)
        for uri in uris:
            self._holders.subscribe(holder, uri)
        connection = self._current()
        if connection is not None and before != (self._holders.lowest_level, self._holders.uris):
            connection.restore_soon()

    async def set_level(self, holder: Holder, level: str | None) -> None:
        """Let `holder` hear log messages of this severity and above; the server logs at the lowest wanted.

        Raises:
            RpcError, CallTimeout: the server refuses, or does not answer.
        """
        self._holders.set_level(holder, level)
        connection = self._current()
        if connection is not None:
            await connection.hearing.apply_level()

    async def subscribe(self, holder: Holder, uri: str, timeout: float) -> None:
        """Let `holder` hear of updates of a resource. The server is asked only for the first holder.

        Raises: as `Requests.send`.
        """
        connection = await self._connected()
        if not self._holders.subscribe(holder, uri):
            return
        try:
            if connection.session.era == "modern":
                await connection.hearing.listen()
            else:
                fields = {"uri": msgspec.json.encode(uri)}
                await self._requests.send("resources/subscribe", fields, holder=holder, timeout=timeout)
        except BaseException:
            if uri in self._holders.uris_of(holder) and not self._holders.unsubscribe(holder, uri):
                connection.restore_soon()  # others joined meanwhile, and relied on this request
            raise

    async def unsubscribe(self, holder: Holder, uri: str, timeout: float) -> None:
        """The opposite of `subscribe`. The server is told only for the last holder."""
        connection = self._current()
        if not self._holders.unsubscribe(holder, uri) or connection is None:
            return
        if connection.session.era == "modern":
            await connection.hearing.listen()
            return
        try:
            fields = {"uri": msgspec.json.encode(uri)}
            await self._requests.send("resources/unsubscribe", fields, holder=holder, timeout=timeout)
        except RpcError as error:
            if error.code != METHOD_NOT_FOUND:
                raise
