"""One `subscriptions/listen` stream, and the resource subscriptions behind it."""

from __future__ import annotations

import asyncio
import json

from msgspec import Raw

from gatewaykit.fake_host import FakeHost, FakeServer
from mcpool.backend.holder import ClientFacts, Question
from mcpool.gateway import names
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.listen import Subscription
from mcpool.gateway.outbox import Kind
from mcpool.gateway.thread_slot import ThreadSlot


class Outlet:
    """Notes what is put into it."""

    is_open = True

    def __init__(self) -> None:
        self.methods: list[str] = []

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        self.methods.append(json.loads(message)["method"])


class Listener:
    """Hears nothing."""

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Ignore it."""

    async def on_question(self, question: Question) -> bytes:
        raise AssertionError


class Wishes:
    """Subscriptions that take until they are told to go on."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def hold(self, server: str, uri: str) -> None:
        self.asked.set()
        await self.go.wait()

    def drop(self, server: str, uri: str) -> None:
        """Nothing to do."""


async def _owner(uri: str) -> str:
    return "one"


async def test_what_changes_often_before_the_acknowledgement_is_told_once_after_it() -> None:
    outlet, wishes = Outlet(), Wishes()
    wanted = Raw(b'{"toolsListChanged":true,"resourceSubscriptions":["a:1"]}')
    exchange = Exchange(b"1", 1, names.LISTEN, {"notifications": wanted}, None, None, outlet, modern=True)
    subscription = Subscription(exchange)
    beginning = asyncio.create_task(subscription.begin(wishes, _owner))
    await wishes.asked.wait()
    for _ in range(3):
        subscription.offer(names.TOOLS_CHANGED, None)
    wishes.go.set()
    await beginning
    assert outlet.methods == [names.ACKNOWLEDGED, names.TOOLS_CHANGED]


async def test_resource_that_is_held_again_at_once_stays_subscribed() -> None:
    server = FakeServer("one", capabilities={"resources": {"subscribe": True}})
    host = FakeHost(server)
    slot = ThreadSlot(
        host, Listener(), principal="", cwd=None, facts=ClientFacts(), only=None, announce=lambda server: None
    )
    await slot.hold("one", "a:1")
    slot.drop("one", "a:1")
    await slot.hold("one", "a:1")
    for _ in range(3):  # What the drop has begun comes to its end.
        await asyncio.sleep(0)
    assert host.threads[0].subscriptions == {("one", "a:1")}
    await slot.close()
