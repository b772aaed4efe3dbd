"""A home of its own for each test, and nothing of it left after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.lasting import Lasting
from support.mcpool_home import McpoolHome


@pytest.fixture
def mcpool(tmp_path: Path) -> Iterator[McpoolHome]:
    """A home without any configuration yet."""
    with closing(McpoolHome(tmp_path / "home", config=None)) as mcpool:
        yield mcpool


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Lasting]:
    """A server on stdio that writes down what it does."""
    with closing(Lasting(tmp_path, "lasting")) as lasting:
        yield lasting


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Lasting]:
    """The same over HTTP; the test starts it by `web.serve()`."""
    with closing(Lasting(tmp_path, "web")) as web:
        yield web
