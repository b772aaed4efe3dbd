"""Hosts, and executors that are real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

import mcpool
from support.exec_servers import KINDS, ExecServer
from support.far_network import FarNetwork, far_network
from support.oauth_server import Issuer

DEADLINE = 30.0


@pytest.fixture(params=KINDS)
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExecServer]:
    """An executor of either kind, that runs."""
    server = ExecServer(tmp_path / "far", request.param, THERE_TOKEN="there", OTHER="other")
    server.start()
    yield server
    server.close()


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[ExecServer]:
    """An executor of our own, that runs."""
    server = ExecServer(tmp_path / "far", THERE_TOKEN="there", OTHER="other")
    server.start()
    yield server
    server.close()


@pytest.fixture
def issuer() -> Issuer:
    """Whoever knows the person."""
    return Issuer()


@pytest.fixture
async def network(issuer: Issuer) -> AsyncGenerator[FarNetwork]:
    """The issuer and its server, where only an executor and the person's browser reach them."""
    async with far_network(issuer) as network:
        yield network


async def until(host: mcpool.Host, condition: Callable[[], bool]) -> None:
    """Wait until something holds of the environments of a host, looking when one of them changes."""
    changed = asyncio.Event()
    host.environments.listen(lambda _: changed.set())
    async with asyncio.timeout(DEADLINE):
        while not condition():
            changed.clear()
            await changed.wait()


async def ready(host: mcpool.Host, id: str = "box") -> int:
    """Wait until an environment is ready; returns the number of the connection."""
    await until(host, lambda: host.environments.status(id).status == "ready")
    return host.environments.handles()[id]
