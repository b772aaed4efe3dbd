"""What is left of a client whose token is taken away: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatewaykit.fake_host import FakeHost, FakeServer
from gatewaykit.http_client import HttpClient
from gatewaykit.serving import gateway_for, serving
from gatewaykit.waiting import until
from mcpool.gateway.app import Gateway
from mcpool.gateway.tokens import TokenStore


@pytest.fixture
def tokens(tmp_path: Path) -> TokenStore:
    store = TokenStore(tmp_path)
    for name in ("leaver", "stayer"):
        store.create(name)
    return store


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(FakeServer("one"))


@pytest.fixture
def gateway(host: FakeHost, tokens: TokenStore) -> Gateway:
    return gateway_for(host, tokens=tokens)


@pytest.fixture
async def port(gateway: Gateway) -> AsyncIterator[int]:
    async with serving(gateway) as port:
        yield port


async def test_its_event_stream_ends_and_its_thread_is_given_back(
    gateway: Gateway, port: int, host: FakeHost, tokens: TokenStore, tmp_path: Path
) -> None:
    async with (
        HttpClient(port, token=tokens.read("leaver")) as leaver,
        HttpClient(port, token=tokens.read("stayer")) as stayer,
    ):
        await leaver.initialize()
        await stayer.initialize()
        stream = await leaver.request("GET")
        (tmp_path / "tokens" / "leaver").unlink()
        gateway.tidy()
        assert await stream.messages() == []
        await until(lambda: [thread.principal for thread in host.open_threads] == ["stayer"])
        assert await stayer.result("ping") == {}


async def test_its_subscription_ends(gateway: Gateway, port: int, tokens: TokenStore, tmp_path: Path) -> None:
    async with HttpClient(port, token=tokens.read("leaver")) as leaver:
        stream = await leaver.modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, id="sub")
        (tmp_path / "tokens" / "leaver").unlink()
        gateway.tidy()
        assert [message.get("method", "end") for message in await stream.messages()] == [
            "notifications/subscriptions/acknowledged",
            "end",
        ]
        assert gateway.sessions == 0
