"""`subscriptions/listen`: one stream on which a 2026-07-28 client hears of the changes that it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol

import msgspec
from msgspec import Raw

from mcpool.errors import McpoolError
from mcpool.gateway import names
from mcpool.gateway.exchange import Exchange, Outlet
from mcpool.gateway.failure import Failure
from mcpool.gateway.message import notification_message
from mcpool.gateway.outbox import Kind
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json
from mcpool.wire.revisions import INVALID_PARAMS, META_SUBSCRIPTION_ID

_MAX_URIS = 1000


class Filter(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a client wants to hear of, and what we acknowledge."""

    tools_list_changed: bool = False
    prompts_list_changed: bool = False
    resources_list_changed: bool = False
    resource_subscriptions: list[str] = []


class Subscriptions(Protocol):
    """Resource subscriptions of one thread, counted."""

    async def hold(self, server: str, uri: str) -> None: ...

    def drop(self, server: str, uri: str) -> None: ...


class _Params(msgspec.Struct):
    notifications: Filter


class Subscription:
    """One listen stream. Every message of it carries the id of its request."""

    def __init__(self, exchange: Exchange) -> None:
        self._outlet: Outlet = exchange.outlet
        self._meta = Raw(b'{"%b":%b}' % (META_SUBSCRIPTION_ID.encode(), exchange.id))
        self._filter = _read(exchange)
        self._uris = frozenset(self._filter.resource_subscriptions)
        self._held: dict[Hashable, bytes] | None = {}
        """What came before the acknowledgement; None once that was sent."""
        self._subscribed: list[tuple[str, str]] = []
        self._ended = asyncio.Event()

    async def begin(self, wishes: Subscriptions, owner_of: Callable[[str], Awaitable[str]]) -> None:
        """Subscribe to what can be subscribed to, and acknowledge that."""
        for uri in self._filter.resource_subscriptions:
            try:
                server = await owner_of(uri)
                await wishes.hold(server, uri)
            except (Failure, McpoolError):
                continue
            self._subscribed.append((server, uri))
        self._filter.resource_subscriptions = [uri for _, uri in self._subscribed]
        acknowledged = {"notifications": Raw(encode_json(self._filter)), "_meta": self._meta}
        self._outlet.put(Kind.OTHER, notification_message(names.ACKNOWLEDGED, wire_params.join(acknowledged)))
        held, self._held = self._held or {}, None
        for subject, message in held.items():
            self._outlet.put(Kind.LATEST, message, subject)

    async def run(self) -> bytes:
        """Pass changes on until the stream is ended in good order; returns the result to say so."""
        await self._ended.wait()
        return b'{"_meta":%b}' % self._meta

    def give_up(self, wishes: Subscriptions) -> None:
        """Nobody listens any more."""
        for server, uri in self._subscribed:
            wishes.drop(server, uri)
        self._subscribed.clear()

    def offer(self, method: str, params: bytes | None) -> None:
        """Pass a change on, if it was asked for."""
        if not self._wants(method, params):
            return
        fields = wire_params.split(params or b"{}")
        fields["_meta"] = self._meta
        message = notification_message(method, wire_params.join(fields))
        subject = (self, method, bytes(fields.get("uri", b"")))
        if self._held is not None:
            self._held[subject] = message
        else:
            self._outlet.put(Kind.LATEST, message, subject)

    def end(self) -> None:
        """End the stream in good order."""
        self._ended.set()

    def _wants(self, method: str, params: bytes | None) -> bool:
        match method:
            case names.TOOLS_CHANGED:
                return self._filter.tools_list_changed
            case names.PROMPTS_CHANGED:
                return self._filter.prompts_list_changed
            case names.RESOURCES_CHANGED:
                return self._filter.resources_list_changed
            case names.RESOURCE_UPDATED:
                return _uri(params) in self._uris
            case _:
                return False


class _Updated(msgspec.Struct):
    uri: str = ""


def _uri(params: bytes | None) -> str:
    try:
        return msgspec.json.decode(params or b"{}", type=_Updated).uri
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _read(exchange: Exchange) -> Filter:
    try:
        wanted = msgspec.json.decode(wire_params.join(exchange.fields), type=_Params).notifications
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(INVALID_PARAMS, f"{names.LISTEN}: {error}") from None
    wanted.resource_subscriptions = list(dict.fromkeys(wanted.resource_subscriptions))
    if len(wanted.resource_subscriptions) > _MAX_URIS:
        raise Failure(INVALID_PARAMS, f"{names.LISTEN}: more than {_MAX_URIS} resources")
    return wanted
