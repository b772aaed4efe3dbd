"""What a server was asked to tell of its own accord, kept in step with what the holders of its backend wish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from mcpool.backend.failures import passes, wait_before_resending
from mcpool.backend.holders import Holders
from mcpool.errors import CallTimeout, ServerError
from mcpool.wire.listen import OnEvent
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.session import Session, Subscription

WISH_TIMEOUT = 30.0
"""Seconds for a server to take note of what its holders want to hear."""

TELL_AGAIN = 0.5
TELL_AGAIN_MOST = 60.0
"""Seconds until what could not be told is told again, or a stream that ended is opened again; each failure, and
each stream that does not last, makes the next wait longer."""


_Method = Literal["resources/subscribe", "resources/unsubscribe"]


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that the server has to be told."""

    what: Literal["level", "stream"] | _Method
    uri: str = ""

    @property
    def failed(self) -> str:
        match self.what:
            case "level":
                return "its log level could not be set"
            case "stream":
                return "it does not tell of changes"
            case method:
                return f"{method} of {self.uri} failed"


_LEVEL = _Wish("level")
_STREAM = _Wish("stream")


class Hearing:
    """The log level and the subscriptions of one connection.

    What cannot be told at once is told later, for as long as the connection lives. `note` takes a sentence on what the
    server refused; `on_missed` is called when changes may have gone untold; `spawn` starts tasks that end with the
    connection.
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
        self._untold: set[_Wish] = set()
        self._telling_again = False
        self._again_after = TELL_AGAIN
        self._asked_to_wait = 0.0

    async def restore(self) -> None:
        """Tell the server all that its holders want to hear."""
        await self._tell_all("resources/subscribe", self._holders.uris)

    async def withdraw(self, uris: Collection[str]) -> None:
        """Tell the server what nobody wants to hear any more, after a holder left that wanted to hear of `uris`."""
        await self._tell_all("resources/unsubscribe", set(uris).difference(self._holders.uris))

    async def apply_level(self) -> None:
        """Set the server to the lowest level that any holder asked for. Modern servers are told with each request.

        If the connection lives on without an answer, it is tried again later, and this returns.

        Raises:
            RpcError, CallTimeout: the server refuses, or does not answer.
        """
        await self._now_or_later(_LEVEL)

    async def listen(self) -> None:
        """Open anew the stream on which a modern server tells of changes, for what is wanted now.

        Raises: as `apply_level`. The stream before stays open then.
        """
        await self._now_or_later(_STREAM)

    async def _now_or_later(self, wish: _Wish) -> None:
        try:
            await self._tell(wish)
        except ConnectionLost:
            self._tell_later([wish])  # if that was the end of the connection, the next one is told when it starts

    # ------------------------------------------------------------------ one wish

    async def _tell(self, wish: _Wish) -> None:
        """Raises: RpcError, CallTimeout, ServerUnavailable, ConnectionLost: it could not be told."""
        if wish.what == "level":
            await self._set_level()
        elif wish.what == "stream":
            await self._listen()
        else:
            await self._session.request(wish.what, {"uri": msgspec.json.encode(wish.uri)}, timeout=WISH_TIMEOUT)
        self._untold.discard(wish)

    async def _set_level(self) -> None:
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

    async def _listen(self) -> None:
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
        if stream is not self._subscription or stream.ended.cancelled():
            return  # it was replaced, or everything has ended
        self._subscription = None
        if stream.ended.get_loop().time() - self._listens_since >= TELL_AGAIN_MOST:
            self._again_after = TELL_AGAIN
        self._tell_later([_STREAM])

    def _still(self, wish: _Wish) -> bool:
        """Whether it is still to be told."""
        if wish.what == "resources/subscribe":
            return wish.uri in self._holders.uris
        return wish.what != "resources/unsubscribe" or wish.uri not in self._holders.uris

    # ------------------------------------------------------------------ all of them, until they are told

    async def _tell_all(self, method: _Method, uris: Iterable[str]) -> None:
        modern = self._session.era == "modern"
        wishes = [_LEVEL, *([_STREAM] if modern else (_Wish(method, uri) for uri in uris))]
        await self._attempt(wishes)

    async def _attempt(self, wishes: Collection[_Wish]) -> set[_Wish]:
        """Tell these, and return those that were taken. What is refused for good is no reason to have no server."""
        taken: set[_Wish] = set()

        async def attempt(wish: _Wish) -> None:
            try:
                await self._tell(wish)
            except (ConnectionLost, ServerError) as error:
                # One that is silent on such a thing may stay so; that it is silent altogether, the heartbeat finds out.
                if passes(error) and (wish is _STREAM or not isinstance(error, CallTimeout)):
                    self._asked_to_wait = max(self._asked_to_wait, wait_before_resending(error))
                    self._tell_later([wish])
                elif isinstance(error, ServerError):
                    self._note(f"{wish.failed}: {error.message}")
            else:
                taken.add(wish)

        await asyncio.gather(*map(attempt, wishes))
        return taken

    def _tell_later(self, wishes: Iterable[_Wish]) -> None:
        if self._session.engine.ended:
            return  # the next connection is told when it starts
        self._untold.update(wishes)
        if not self._telling_again:
            self._telling_again = True
            self._spawn(self._tell_again())

    async def _tell_again(self) -> None:
        """Something did not get through, or the server (or what is on the way) ended a stream that is to go on."""
        try:
            while self._untold and not self._session.engine.ended:
                wait, self._again_after = self._again_after, min(self._again_after * 2, TELL_AGAIN_MOST)
                await asyncio.sleep(min(max(wait, self._asked_to_wait), TELL_AGAIN_MOST))
                self._asked_to_wait = 0.0
                wishes = [wish for wish in self._untold if self._still(wish)]
                self._untold.clear()
                taken = await self._attempt(wishes)
                if any(wish.what in ("stream", "resources/subscribe") for wish in taken):
                    self._on_missed()
        finally:
            self._telling_again = False
        if self._session.era == "handshake":
            self._again_after = TELL_AGAIN  # a stream of a modern server has to last first


def declares(capabilities: dict[str, object], kind: str, flag: str) -> bool:
    """Whether a server's capabilities of this kind have the flag."""
    value = capabilities.get(kind)
    if not isinstance(value, dict):
        return False
    said = cast("dict[str, object]", value).get(flag)
    return said is not None and said is not False
