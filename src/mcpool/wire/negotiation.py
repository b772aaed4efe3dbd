"""Which era and revision a server speaks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
from msgspec import Raw

from mcpool.errors import AuthRequired, RpcError, ServerUnavailable
from mcpool.wire.engine import Call, Engine
from mcpool.wire.envelope import UNREADABLE, encode_json
from mcpool.wire.lost import ConnectionLost, LostDuringProbe
from mcpool.wire.params import join
from mcpool.wire.revisions import (
    HANDSHAKE_VERSIONS,
    KNOWN_VERSIONS,
    LATEST_HANDSHAKE,
    LATEST_MODERN,
    METHOD_NOT_FOUND,
    MODERN_VERSIONS,
    UNSUPPORTED_PROTOCOL_VERSION,
    Era,
)
from mcpool.wire.stamp import Stamp

AGAINST_ERA = (UNSUPPORTED_PROTOCOL_VERSION, METHOD_NOT_FOUND)
"""Errors that show that a remembered era is no longer the server's."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was negotiated, and the server's raw answer that settled it."""

    era: Era
    version: str
    result: bytes


class _Discovered(msgspec.Struct, rename="camel"):
    supported_versions: list[str]


class _Initialized(msgspec.Struct, rename="camel"):
    protocol_version: str


class _Supported(msgspec.Struct):
    supported: list[str]


def discovered(result: bytes) -> Agreement | None:
    """What a `server/discover` result settles: the newest revision in common, or nothing."""
    try:
        offered = msgspec.json.decode(result, type=_Discovered).supported_versions
    except UNREADABLE:
        return None
    version = _newest(MODERN_VERSIONS, offered)
    return None if version is None else Agreement("modern", version, result)


def initialized(server: str, result: bytes) -> Agreement:
    """What an `initialize` result settles.

    Raises:
        ServerUnavailable: it names no revision that we know.
    """
    try:
        version = msgspec.json.decode(result, type=_Initialized).protocol_version
    except UNREADABLE as error:
        raise ServerUnavailable(server, f"answered `initialize` with something of no known form: {error}") from None
    if version not in HANDSHAKE_VERSIONS:
        msg = f"answered `initialize` with protocol version {version!r}; known are {', '.join(HANDSHAKE_VERSIONS)}"
        raise ServerUnavailable(server, msg)
    return Agreement("handshake", version, result)


def named_versions(error: RpcError) -> tuple[str, ...]:
    """The revisions that an error says the server supports; empty if it says nothing."""
    try:
        return tuple(msgspec.json.decode(error.data or b"", type=_Supported).supported)
    except UNREADABLE:
        return ()


def only_foreign(error: RpcError) -> bool:
    """Whether the error says that the server speaks nothing that we do."""
    named = named_versions(error)
    return error.code == UNSUPPORTED_PROTOCOL_VERSION and bool(named) and not set(named) & set(KNOWN_VERSIONS)


def _newest(ours: tuple[str, ...], offered: tuple[str, ...] | list[str]) -> str | None:
    return next((version for version in reversed(ours) if version in offered), None)


class Negotiation:
    """One attempt to come to terms. `run` once."""

    def __init__(self, engine: Engine, client_info: bytes, capabilities: bytes, probe_after: float) -> None:
        self._engine = engine
        self._client_info = client_info
        self._capabilities = capabilities
        self._probe_after = probe_after
        self._sent: list[Call] = []
        self._wants: AuthRequired | None = None
        """The server wants credentials before it says whether it is of the modern era."""

    async def run(self, remembered: Era | None) -> Agreement:
        """Negotiate, beginning with the remembered era.

        Raises:
            ServerUnavailable: refused, or no revision in common.
            LostDuringProbe: the server ended while `server/discover` was unanswered.
            ConnectionLost: it ended otherwise.
        """
        try:
            if remembered == "handshake":
                return await self._handshake_remembered()
            return await self._probe(None if remembered == "modern" else self._probe_after)
        finally:
            for call in self._sent:
                self._engine.forget(call)
                if not call.future.cancelled():
                    call.future.exception()

    async def _handshake_remembered(self) -> Agreement:
        handshake = self._initialize(LATEST_HANDSHAKE)
        await asyncio.wait([handshake])
        error = handshake.exception()
        if isinstance(error, RpcError) and error.code in AGAINST_ERA:
            return await self._probe(self._probe_after)
        return await self._conclude(handshake)

    async def _probe(self, patience: float | None) -> Agreement:
        """Ask a server that may be of either era. Whoever is silent for `patience` is offered the handshake as well."""
        probe = self._discover()
        await asyncio.wait([probe], timeout=patience)
        if probe.done():
            agreement = self._judge(probe) or await self._ask_again(probe.exception())
            return agreement or await self._conclude(self._initialize(LATEST_HANDSHAKE))
        handshake = self._initialize(LATEST_HANDSHAKE)
        await asyncio.wait([probe, handshake], return_when=asyncio.FIRST_COMPLETED)
        if not probe.done():
            refusal = handshake.exception()
            if refusal is None:
                return initialized(self._engine.server, handshake.result())
            modern = isinstance(refusal, RpcError) and refusal.code == UNSUPPORTED_PROTOCOL_VERSION
            await asyncio.wait([probe], timeout=None if modern else self._probe_after)
        agreement = self._judge(probe) if probe.done() else None
        return agreement or await self._conclude(handshake)

    @property
    def asked(self) -> str:
        """What was sent, for messages."""
        return " and ".join(f"`{method}`" for method in dict.fromkeys(call.method for call in self._sent)) or "nothing"

    def _judge(self, probe: asyncio.Future[bytes]) -> Agreement | None:
        """What the answer to the probe settles. Any other than a positive one is no evidence of the modern era."""
        error = probe.exception()
        if isinstance(error, ConnectionLost):
            raise LostDuringProbe(error.server, error.reason, sent=error.sent, status=error.status) from None
        if isinstance(error, RpcError) and only_foreign(error):
            raise self._refused("server/discover", error)
        if isinstance(error, AuthRequired):
            self._wants = error  # unless it lets anybody in by the handshake
        return discovered(probe.result()) if error is None else None

    async def _conclude(self, handshake: asyncio.Future[bytes]) -> Agreement:
        """Let the answer to `initialize` decide; a refusal that names a revision of ours is taken at its word, once."""
        try:
            return initialized(self._engine.server, await handshake)
        except RpcError as error:
            if (agreement := await self._ask_again(error)) is not None:
                return agreement
            if (older := _newest(HANDSHAKE_VERSIONS[:-1], named_versions(error))) is not None:
                return await self._conclude_at(older)
            raise self._wants or self._refused("initialize", error) from None

    async def _ask_again(self, error: BaseException | None) -> Agreement | None:
        """Take a refusal that names a modern revision of ours at its word, once."""
        if not isinstance(error, RpcError) or _newest(MODERN_VERSIONS, named_versions(error)) is None:
            return None
        again = self._discover()
        await asyncio.wait([again])
        return self._judge(again)

    async def _conclude_at(self, version: str) -> Agreement:
        try:
            return initialized(self._engine.server, await self._initialize(version))
        except RpcError as error:
            raise self._refused("initialize", error) from None

    def _discover(self) -> asyncio.Future[bytes]:
        meta = Stamp(LATEST_MODERN, self._client_info, self._capabilities).meta(None)
        return self._send("server/discover", {} if meta is None else {"_meta": meta})

    def _initialize(self, version: str) -> asyncio.Future[bytes]:
        return self._send(
            "initialize",
            {
                "protocolVersion": Raw(encode_json(version)),
                "capabilities": self._capabilities,
                "clientInfo": self._client_info,
            },
        )

    def _send(self, method: str, fields: dict[str, bytes | Raw]) -> asyncio.Future[bytes]:
        call = self._engine.call(method, join(fields))
        self._sent.append(call)
        return call.future

    def _refused(self, method: str, error: RpcError) -> ServerUnavailable:
        named = named_versions(error)
        supports = f"; it supports {', '.join(named)}, known are {', '.join(KNOWN_VERSIONS)}" if named else ""
        return ServerUnavailable(self._engine.server, f"refused `{method}` with {error.code}: {error.reason}{supports}")
