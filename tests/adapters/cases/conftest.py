"""What every framework is tested with. This runs in the framework's own environment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from loopback_model import LoopbackModel

import mcpool
from mcpool.testing import FakeServer

pytest_plugins = ["mcpool.testing.pytest_plugin"]


@pytest.fixture
def server(fake_mcp_server: FakeServer) -> FakeServer:
    """The MCP server that the agents use."""
    return fake_mcp_server


@pytest.fixture
async def model() -> AsyncIterator[LoopbackModel]:
    """The model that the agents use."""
    async with LoopbackModel() as model:
        yield model


@pytest.fixture
async def host(server: FakeServer) -> AsyncIterator[mcpool.Host]:
    """The host that runs the MCP server."""
    async with mcpool.open(server.config) as host:
        yield host
