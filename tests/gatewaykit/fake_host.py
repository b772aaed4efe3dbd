"""A host whose servers are functions: what the gateway asks of a host, and a record of what it asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from mcpool.backend.holder import CallSink, ClientFacts
from mcpool.errors import RpcError, ServerNotFound, ServerUnavailable
from mcpool.gateway.upstream import Listener
from mcpool.runtime.remembered import RememberedApprovals


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class FakeCall:
    """One request that reached a server."""

    thread: FakeThread
    server: str
    method: str
    params: dict[str, Any]
    meta: dict[str, Any] | None
    raw: dict[str, bytes]
    sink: CallSink | None
    progress: bool
    answer_input: bool
    cancelled: bool = False

    def report(self, progress: float, token: object = "engine-token") -> None:
        assert self.sink is not None
        self.sink.on_notification("notifications/progress", encode({"progressToken": token, "progress": progress}))

    def log(self, data: object) -> None:
        assert self.sink is not None
        self.sink.on_notification("notifications/message", encode({"level": "info", "data": data}))


Handler = Callable[[FakeCall], Awaitable[bytes]]


@dataclass
class FakeTool:
    name: str
    raw: bytes


@dataclass
class FakeFacts:
    server_info: dict[str, Any]
    capabilities: dict[str, Any]
    instructions: str | None
    initialize_result: bytes | None
    discover: bytes | None


def _schema() -> dict[str, Any]:
    return {"type": "object"}


async def _echo(call: FakeCall) -> bytes:
    text = json.dumps(call.params.get("arguments"), sort_keys=True)
    return encode({"content": [{"type": "text", "text": text}]})


@dataclass
class FakeServer:
    """One server. `handlers` answers by method; `tools` by the tool's name."""

    name: str
    tools: dict[str, Handler] = field(default_factory=lambda: {"echo": _echo})
    handlers: dict[str, Handler] = field(default_factory=dict[str, Handler])
    capabilities: dict[str, Any] = field(
        default_factory=lambda: {"tools": {"listChanged": True}, "logging": {}, "vendor": {"kept": True}}
    )
    instructions: str | None = "Use it well."
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    modern: bool = False
    up: asyncio.Event | None = None
    """Not started before this is set."""
    broken: str | None = None

    async def ready(self) -> None:
        if self.up is not None:
            await self.up.wait()
        if self.broken is not None:
            raise ServerUnavailable(self.name, self.broken)

    def facts(self) -> FakeFacts:
        info = {"name": self.name, "version": "7", "vendorField": "kept"}
        said: dict[str, Any] = {"capabilities": self.capabilities, "_vendor": [1]}
        if self.instructions is not None:
            said["instructions"] = self.instructions
        first: bytes | None = None
        discover: bytes | None = None
        if self.modern:
            meta = {"io.modelcontextprotocol/serverInfo": info}
            discover = encode({**said, "resultType": "complete", "supportedVersions": ["2026-07-28"], "_meta": meta})
        else:
            first = encode({**said, "protocolVersion": "2025-06-18", "serverInfo": info})
        return FakeFacts(info, self.capabilities, self.instructions, first, discover)

    def listed(self) -> tuple[FakeTool, ...]:
        return tuple(
            FakeTool(name, encode({"name": name, "inputSchema": _schema(), **self.definitions.get(name, {})}))
            for name in self.tools
        )


class FakeStep:
    def __init__(self, thread: FakeThread) -> None:
        self._thread = thread
        self._host = thread.host
        self.released = False

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(name for name in self._host.servers if self._thread.only is None or name in self._thread.only)

    async def facts(self, server: str) -> FakeFacts:
        found = self._server(server)
        await found.ready()
        return found.facts()

    async def tool_definitions(self, server: str) -> tuple[FakeTool, ...]:
        found = self._server(server)
        await found.ready()
        return found.listed()

    async def relay(
        self,
        server: str,
        method: str,
        fields: Mapping[str, bytes | Raw],
        *,
        meta: Mapping[str, bytes | Raw] | None = None,
        sink: CallSink | None = None,
        progress: bool = False,
        timeout: float | None = None,
        answer_input: bool = True,
    ) -> bytes:
        assert not self.released
        found = self._server(server)
        await found.ready()
        raw = {key: bytes(value) for key, value in fields.items()}
        params = {key: json.loads(value) for key, value in raw.items()}
        decoded = None if meta is None else {key: json.loads(bytes(value)) for key, value in meta.items()}
        call = FakeCall(self._thread, server, method, params, decoded, raw, sink, progress, answer_input)
        self._host.calls.append(call)
        self._host.called.set()
        handler = found.handlers.get(method)
        if handler is None and method == "tools/call":
            handler = found.tools.get(params.get("name", ""))
        if handler is None:
            raise RpcError(server, -32601, f"Method not found: {method}")
        try:
            return await handler(call)
        except asyncio.CancelledError:
            call.cancelled = True
            raise

    def release(self) -> None:
        if not self.released:
            self.released = True
            self._host.steps_open -= 1

    def _server(self, name: str) -> FakeServer:
        found = self._host.servers.get(name)
        if found is None:
            raise ServerNotFound(name, "no enabled server has this name")
        return found


class FakeThread:
    def __init__(
        self,
        host: FakeHost,
        cwd: str | None,
        principal: str,
        client: ClientFacts,
        listener: Listener,
        beside: FakeThread | None,
    ) -> None:
        self.host = host
        self.cwd = cwd
        self.principal = principal
        self.client = client
        self.listener = listener
        self.beside = beside
        self.only: Collection[str] | None = None
        self.closed = False
        self.refreshed = False
        self.levels: dict[str | None, str | None] = {}
        self.subscriptions: set[tuple[str, str]] = set()

    async def refresh(self) -> None:
        self.refreshed = True

    def capture(self) -> FakeStep:
        assert self.refreshed
        assert not self.closed
        self.host.steps_open += 1
        return FakeStep(self)

    async def set_log_level(self, server: str | None, level: str | None) -> None:
        self.levels[server] = level

    async def subscribe(self, server: str, uri: str) -> None:
        if not self.host.servers[server].capabilities.get("resources", {}).get("subscribe"):
            raise RpcError(server, -32601, "Method not found: resources/subscribe")
        self.subscriptions.add((server, uri))

    async def unsubscribe(self, server: str, uri: str) -> None:
        self.subscriptions.discard((server, uri))

    async def close(self) -> None:
        self.closed = True


class FakeHost:
    """Opens threads and remembers them, and every request that reached a server."""

    def __init__(self, *servers: FakeServer) -> None:
        self.servers = {server.name: server for server in servers}
        self.threads: list[FakeThread] = []
        self.calls: list[FakeCall] = []
        self.called = asyncio.Event()
        self.steps_open = 0

    def thread(
        self,
        *,
        cwd: str | None = None,
        principal: str = "",
        client: ClientFacts | None = None,
        listener: Listener | None = None,
        only: Collection[str] | None = None,
        remembered: RememberedApprovals | None = None,
        beside: FakeThread | None = None,
    ) -> FakeThread:
        assert listener is not None
        thread = FakeThread(self, cwd, principal, client or ClientFacts(), listener, beside)
        thread.only = only
        self.threads.append(thread)
        return thread

    @property
    def open_threads(self) -> list[FakeThread]:
        return [thread for thread in self.threads if not thread.closed]

    async def call_number(self, count: int) -> FakeCall:
        """Wait until so many requests have reached a server; the last of them."""
        async with asyncio.timeout(60):
            while len(self.calls) < count:
                self.called.clear()
                await self.called.wait()
        return self.calls[count - 1]
