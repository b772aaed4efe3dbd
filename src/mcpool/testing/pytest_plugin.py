"""The fixtures for pytest. They are there wherever mcpool is installed; nothing is imported before one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mcpool.testing.fake_server import FakeServer


@pytest.fixture
def mcpool_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of mcpool for this test alone: no configuration, no daemon, nothing remembered."""
    home = tmp_path / "mcpool"
    monkeypatch.setenv("MCPOOL_HOME", str(home))
    return home


@pytest.fixture
def fake_mcp_servers(mcpool_home: Path) -> Iterator[Callable[..., FakeServer]]:
    """Makes fake MCP servers (`mcpool.testing.FakeServer`), which run until the test ends."""
    from mcpool.testing.fake_server import FakeServer

    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(FakeServer(*args, **kwargs))


@pytest.fixture
def fake_mcp_server(fake_mcp_servers: Callable[..., FakeServer]) -> FakeServer:
    """One fake MCP server, named `fake`."""
    return fake_mcp_servers()
