"""A home of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support.fake_daemon import FakeDaemon, Shim
from support.mcpool_home import McpoolHome


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def daemon(home: Path) -> Iterator[FakeDaemon]:
    with closing(FakeDaemon(home)) as daemon:
        yield daemon


@pytest.fixture
def connect(home: Path) -> Iterator[Callable[..., Shim]]:
    """Start `mcpool connect` with the given arguments."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(closing(Shim(home, *arguments, **options)))


@pytest.fixture
def mcpool(home: Path) -> Iterator[McpoolHome]:
    """A home in which the demo server is configured."""
    with closing(McpoolHome(home)) as mcpool:
        yield mcpool
