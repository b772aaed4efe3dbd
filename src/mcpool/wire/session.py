"""An MCP session over an engine: negotiated once, then thin."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from mcpool.errors import CallTimeout, RpcError
from mcpool.wire.call import Call, CallSinkLike
from mcpool.wire.engine import Engine
from mcpool.wire.envelope import UNREADABLE, encode_json
from mcpool.wire.listen import OnEvent, Subscription
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.negotiation import Agreement, Negotiation
from mcpool.wire.paging import read_pages
from mcpool.wire.params import join, split
from mcpool.wire.refused import HttpRefused
from mcpool.wire.revisions import META_SERVER_INFO, Era
from mcpool.wire.stamp import Stamp

__all__ = ["Era", "Session", "Subscription"]

PROBE_AFTER = 2.0
"""Seconds of silence after `server/discover` until `initialize` is sent as well."""

Fields = Mapping[str, bytes | Raw]
"""Members of a params object as JSON. Raw is taken as proven (`params.split`), bytes are proven before sending."""

_NOTHING: Final[Fields] = {}
_TASK_METHODS = frozenset({"tasks/get", "tasks/result", "tasks/cancel", "tasks/update"})


class Session:
    """One negotiated conversation. It has no end of its own: it ends with its engine's link."""

    def __init__(self, engine: Engine, agreement: Agreement, stamp: Stamp) -> None:
        facts = _facts(agreement)
        self.engine = engine
        self.era: Era = agreement.era
        self.version = agreement.version
        self.server_info = facts.server_info
        self.capabilities = facts.capabilities
        self.instructions = facts.instructions
        self.discover: bytes | None = agreement.result if agreement.era == "modern" else None
        """The raw `server/discover` result."""
        self.initialize_result: bytes | None = agreement.result if agreement.era == "handshake" else None
        """The raw `initialize` result."""
        self._stamp = stamp
        self._plain = agreement.era == "handshake"

    @classmethod
    async def open(
        cls,
        engine: Engine,
        *,
        client_info: Mapping[str, object] | bytes,
        capabilities: bytes,
        remembered: Era | None = None,
        probe_after: float = PROBE_AFTER,
        deadline: float | None = None,
    ) -> Session:
        """Negotiate over an engine that has its link.

        `client_info` and `capabilities` are what we tell of ourselves (as JSON); `remembered` is the era that this
        server spoke last, `deadline` a loop time.

        Raises:
            ServerUnavailable: the server refused, or speaks no revision that we know.
            LostDuringProbe: it ended while `server/discover` was unanswered: start it once more with
                `remembered="handshake"`.
            ConnectionLost: it ended otherwise.
            CallTimeout: no answer by the deadline.
        """
        info = client_info if isinstance(client_info, bytes) else encode_json(client_info)
        begun = asyncio.get_running_loop().time()
        negotiation = Negotiation(engine, info, capabilities, probe_after)
        try:
            async with asyncio.timeout_at(deadline):
                agreement = await negotiation.run(remembered)
        except TimeoutError:
            waited = 0.0 if deadline is None else deadline - begun
            msg = f"no answer to {negotiation.asked} within {waited:.3g} s"
            raise CallTimeout(engine.server, msg) from None
        if agreement.era == "handshake":
            engine.notify("notifications/initialized")
        stamp = Stamp(agreement.version if agreement.era == "modern" else None, info, capabilities)
        return cls(engine, agreement, stamp)

    def __repr__(self) -> str:
        return f"<Session {self.engine.server!r} [{self.era}, {self.version}]>"

    def call(
        self,
        method: str,
        fields: Fields = _NOTHING,
        *,
        meta: Fields | None = None,
        progress: bool = False,
        sink: CallSinkLike | None = None,
        owner: object = None,
        capabilities: bytes | None = None,
        log_level: str | None = None,
    ) -> Call:
        """Send a request; its answer is the call's future.

        `meta` is the caller's `_meta`: the protocol's own keys in it are replaced by ours, the others pass. `progress`
        asks for progress, under the call's id, told to `sink`. `capabilities` and `log_level` hold for this request
        alone, where the revision knows that.

        Raises:
            ValueError: a field is not one valid JSON value.
        """
        engine = self.engine
        if "_meta" in fields:
            own = split(bytes(fields["_meta"]))
            meta = own if meta is None else {**own, **meta}
            fields = {name: part for name, part in fields.items() if name != "_meta"}
        if not self._plain or meta or progress:
            stamped = self._stamp.meta(
                meta,
                progress_token=engine.next_id if progress else None,
                capabilities=capabilities,
                log_level=log_level,
            )
            if stamped is not None:
                fields = {**fields, "_meta": stamped}
        task = _task_of(fields) if method in _TASK_METHODS else None
        return engine.call(method, join(fields) if fields else None, sink=sink, owner=owner, task=task)

    async def request(self, method: str, fields: Fields = _NOTHING, *, timeout: float | None = None) -> bytes:
        """Send a request and wait for its raw result; the server is told if the wait is given up.

        Raises:
            CallTimeout, RpcError, MessageTooLarge, ConnectionLost: no result.
        """
        call = self.call(method, fields)
        try:
            async with asyncio.timeout(timeout):
                return await call.future
        except TimeoutError:
            self.engine.cancel(call, f"no answer within {timeout:g} s")
            raise CallTimeout(self.engine.server, f"no answer to `{method}` within {timeout:g} s") from None
        except asyncio.CancelledError:
            self.engine.cancel(call, "no longer wanted")
            raise

    async def check(self, *, timeout: float) -> None:
        """See whether the server still answers, by whatever its revision offers. An error of its own is an answer.

        Raises:
            CallTimeout, ConnectionLost: it does not.
        """
        try:
            await self.request("ping" if self._plain else "server/discover", timeout=timeout)
        except HttpRefused as error:
            if error.by_gateway:
                raise ConnectionLost(self.engine.server, f"answered {error.reason}", sent=True) from None
        except RpcError:
            return

    async def list_all(self, method: str, key: str, *, timeout: float | None = None) -> tuple[bytes, ...]:
        """The raw items of all pages of a list, `timeout` seconds for all of them.

        Raises:
            BadAnswer: a page is malformed, a cursor comes twice, or a bound is passed.
            CallTimeout, RpcError, MessageTooLarge, ConnectionLost: no result.
        """
        server = self.engine.server
        try:
            async with asyncio.timeout(timeout):
                return await read_pages(server, method, key, lambda fields: self.request(method, fields))
        except TimeoutError:
            raise CallTimeout(server, f"`{method}` was not complete within {timeout:g} s") from None

    async def listen(
        self, wanted: Mapping[str, object], on_event: OnEvent, *, timeout: float | None = None
    ) -> Subscription:
        """Open a stream of changes (2026-07-28) and wait for its acknowledgement.

        `wanted` is the filter as on the wire (`toolsListChanged`, ...). `on_event` gets method and
        params of each change, in wire order.

        Raises:
            RpcError, ConnectionLost, CallTimeout: it was not acknowledged.
        """
        subscription = Subscription(self.engine, on_event, asyncio.get_running_loop())
        fields: Fields = {"notifications": Raw(encode_json(wanted))}
        subscription.begin(self.call("subscriptions/listen", fields, sink=subscription))
        try:
            async with asyncio.timeout(timeout):
                await subscription.acknowledged
        except TimeoutError:
            subscription.close()
            msg = f"`subscriptions/listen` was not acknowledged within {timeout:g} s"
            raise CallTimeout(self.engine.server, msg) from None
        except asyncio.CancelledError:
            subscription.close()
            raise
        return subscription


class _Facts(msgspec.Struct, rename="camel"):
    server_info: dict[str, object] = {}
    capabilities: dict[str, object] = {}
    instructions: str | None = None


class _Meta(msgspec.Struct):
    server_info: dict[str, object] = msgspec.field(default_factory=dict[str, object], name=META_SERVER_INFO)


class _Stamped(msgspec.Struct):
    meta: _Meta = msgspec.field(default_factory=_Meta, name="_meta")


def _facts(agreement: Agreement) -> _Facts:
    """What the server says of itself. What is malformed counts as not said: it is for people to read."""
    try:
        facts = msgspec.json.decode(agreement.result, type=_Facts)
    except UNREADABLE:
        facts = _Facts()
    if agreement.era == "modern":
        try:
            facts.server_info = msgspec.json.decode(agreement.result, type=_Stamped).meta.server_info
        except UNREADABLE:
            facts.server_info = {}
    return facts


def _task_of(fields: Fields) -> str | None:
    try:
        return msgspec.json.decode(bytes(fields.get("taskId", b"null")), type=str | None)
    except UNREADABLE:
        return None
