"""A link that is a list of byte strings, and a peer that remembers: a scenario reads like a story."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from mcpool.wire.engine import Engine, Inbound
from mcpool.wire.lost import ConnectionLost

Reply = Callable[[Any], list[bytes]]


class FakeLink:
    """Takes what is written; `leaves` says how many bytes leave the process before it stops."""

    def __init__(self) -> None:
        self.pid: int | None = 4711
        self.alive = True
        self.buffered = 0
        self.written: list[bytes] = []
        self.leaves: int | None = None
        self.on_write: Callable[[bytes], object] = lambda data: None
        self.arrived = asyncio.Event()

    @property
    def sent(self) -> int:
        accepted = sum(len(data) for data in self.written)
        return accepted if self.leaves is None else min(accepted, self.leaves)

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.arrived.set()
        self.on_write(data)

    def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        self.alive = False

    def kill(self) -> None:
        self.alive = False


class Scene:
    """An engine between a server that the test plays and a peer that remembers what it heard."""

    def __init__(self, *, limit: int = 64 * 1024 * 1024, attached: bool = True) -> None:
        self.loop = asyncio.get_running_loop()
        self.link = FakeLink()
        self.requests: list[Inbound] = []
        self.notifications: list[Inbound] = []
        self.lost: list[ConnectionLost] = []
        self.garbage: list[tuple[str, bytes]] = []
        self.engine = Engine("echo", self, max_message_bytes=limit, loop=self.loop)
        if attached:
            self.engine.attach(self.link)

    def says(self, *lines: bytes | dict[str, Any] | list[Any]) -> None:
        """The server writes these lines in one chunk."""
        raw = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        self.engine.on_bytes(b"".join(line + b"\n" for line in raw))

    @property
    def heard(self) -> list[Any]:
        """The messages that the server got so far."""
        return [json.loads(line) for line in b"".join(self.link.written).splitlines()]

    async def hears(self, count: int) -> None:
        """Wait until the server got so many messages."""
        while len(self.heard) < count:
            self.link.arrived.clear()
            await self.link.arrived.wait()

    def plays(self, **answers: Reply) -> None:
        """Answer requests by method (with `_` for `/`), one loop turn later."""

        def on_write(data: bytes) -> None:
            for line in data.splitlines():
                message = json.loads(line)
                reply = answers.get(message["method"].replace("/", "_"))
                for raw in reply(message) if reply is not None else []:
                    self.loop.call_soon(self.engine.on_bytes, raw + b"\n")

        self.link.on_write = on_write

    # what the engine tells its peer

    def on_request(self, inbound: Inbound) -> None:
        self.requests.append(inbound)

    def on_notification(self, inbound: Inbound) -> None:
        self.notifications.append(inbound)

    def on_lost(self, lost: ConnectionLost) -> None:
        self.lost.append(lost)

    def on_closing(self, lost: ConnectionLost) -> None: ...

    def on_gap(self) -> None: ...

    def on_settled(self) -> None: ...

    def on_garbage(self, kind: str, sample: bytes) -> None:
        self.garbage.append((kind, sample))


class Hearer:
    """A call's sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes | None]] = []

    def on_notification(self, method: str, params: bytes | None) -> None:
        self.heard.append((method, params))


@pytest.fixture
async def scene() -> Scene:
    return Scene()


@pytest.fixture
async def new_scene() -> Callable[..., Scene]:
    return Scene


@pytest.fixture
def hearer() -> Hearer:
    return Hearer()
