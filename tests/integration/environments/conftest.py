"""Hosts, and executors that are real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import mcpool
from support.exec_servers import KINDS, ExecServer
from support.real_servers import OpenHost

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
async def open_host(tmp_path: Path) -> AsyncGenerator[OpenHost]:
    """`await open_host(source)`: a host that is closed after the test."""
    async with AsyncExitStack() as stack:

        async def opened(source: dict[str, Any], **options: Any) -> mcpool.Host:
            settings: dict[str, Any] = {"home": tmp_path / "home", "grace": 10.0, **options}
            return await stack.enter_async_context(mcpool.open(source, **settings))

        yield opened


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
