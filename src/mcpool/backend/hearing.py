"""What a server was asked to tell of its own accord, kept in step with what the holders of its backend wish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any, cast

import msgspec

from mcpool.backend.holders import Holders
from mcpool.errors import CallTimeout, ServerError
from mcpool.wire.listen import OnEvent
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.session import Session, Subscription

WISH_TIMEOUT = 30.0
"""Seconds for a server to take note of what its holders want to hear."""


LISTEN_AGAIN = 0.5
LISTEN_AGAIN_MOST = 60.0
"""Seconds until a stream that the server ended is opened again; each that does not last makes the next wait longer."""


class Hearing:
    """The log level and the subscriptions of one connection.

    `note` takes a sentence on what the server refused; `on_missed` is called when changes may have gone untold;
    `spawn` starts tasks that end with the connection.
    """

    def __init__(
        self,
        session: Session,
        holders: Holders,
        *,
        on_event: OnEvent,
        on_missed: Callable[[], None],
        note: Callable[[str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._session = session
        self._holders = holders
        self._on_event = on_event
        self._on_missed = on_missed
        self._note = note
        self._spawn = spawn
        self._level: str | None = None
        self._subscription: Subscription | None = None
        self._listening = asyncio.Lock()
        self._listens_since = 0.0
        self._listen_again_after = LISTEN_AGAIN

    async def restore(self) -> None:
        """Tell the server all that its holders want to hear."""
        await self._tell("resources/subscribe", self._holders.uris)

    async def withdraw(self, uris: Collection[str]) -> None:
        """Tell the server what nobody wants to hear any more, after a holder left that wanted to hear of `uris`."""
        await self._tell("resources/unsubscribe", set(uris).difference(self._holders.uris))

    async def apply_level(self) -> None:
        """Set the server to the lowest level that any holder asked for. Modern servers are told with each request.

        Raises:
            RpcError, CallTimeout, ConnectionLost: the server refuses, does not answer, or has gone.
        """
        session = self._session
        if session.era == "modern" or "logging" not in session.capabilities:
            return
        while (level := self._holders.lowest_level) not in (None, self._level):
            before, self._level = self._level, level
            try:
                await session.request("logging/setLevel", {"level": msgspec.json.encode(level)}, timeout=WISH_TIMEOUT)
            except BaseException:
                if self._level == level:
                    self._level = before  # who wants it again shall not be told that the server has it
                raise

    async def listen(self) -> None:
        """Open anew the stream on which a modern server tells of changes, for what is wanted now.

        Raises: as `apply_level`. The stream before stays open then.
        """
        async with self._listening:
            wanted: dict[str, object] = {
                f"{kind}ListChanged": True
                for kind in ("tools", "prompts", "resources")
                if declares(self._session.capabilities, kind, "listChanged")
            }
            if self._holders.uris:
                wanted["resourceSubscriptions"] = list(self._holders.uris)
            before, after = self._subscription, None
            if wanted:
                after = await self._session.listen(wanted, self._on_event, timeout=WISH_TIMEOUT)
                after.ended.add_done_callback(lambda _: self._stream_ended(after))
                self._listens_since = after.ended.get_loop().time()
            self._subscription = after
            if before is not None:
                before.close()

    def _stream_ended(self, stream: Subscription) -> None:
        if stream is not self._subscription or stream.ended.cancelled() or self._session.engine.ended:
            return  # it was replaced, or everything has ended
        self._subscription = None
        if stream.ended.get_loop().time() - self._listens_since >= LISTEN_AGAIN_MOST:
            self._listen_again_after = LISTEN_AGAIN
        self._spawn(self._listen_again())

    async def _listen_again(self) -> None:
        """The server, or something on the way to it, ended the stream, although there is more to tell."""
        while self._subscription is None and not self._session.engine.ended:
            wait, self._listen_again_after = self._listen_again_after, self._listen_again_after * 2
            await asyncio.sleep(min(wait, LISTEN_AGAIN_MOST))
            try:
                await self.listen()
            except (CallTimeout, ConnectionLost):
                continue
            except ServerError as error:
                self._note(f"it ended the stream of changes, and opens no other: {error.message}")
                return
            self._on_missed()

    async def _tell(self, method: str, uris: Collection[str]) -> None:
        wishes = [self._try("its log level could not be set", self.apply_level())]
        if self._session.era == "modern":
            wishes.append(self._try("it does not tell of changes", self.listen()))
        else:
            wishes += [self._try(f"{method} of {uri} failed", self._request(method, uri)) for uri in uris]
        await asyncio.gather(*wishes)

    def _request(self, method: str, uri: str) -> Coroutine[Any, Any, bytes]:
        return self._session.request(method, {"uri": msgspec.json.encode(uri)}, timeout=WISH_TIMEOUT)

    async def _try(self, failed: str, work: Coroutine[Any, Any, object]) -> None:
        """What a holder wants to hear is no reason to have no server at all."""
        try:
            await work
        except ServerError as error:
            self._note(f"{failed}: {error.message}")
        except ConnectionLost:
            return  # the next connection is told when it starts


def declares(capabilities: dict[str, object], kind: str, flag: str) -> bool:
    """Whether a server's capabilities of this kind have the flag."""
    value = capabilities.get(kind)
    if not isinstance(value, dict):
        return False
    said = cast("dict[str, object]", value).get(flag)
    return said is not None and said is not False
