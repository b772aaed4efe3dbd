"""A home of its own for each test, and nothing of it left after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.mcpool_home import McpoolHome


@pytest.fixture
def mcpool(tmp_path: Path) -> Iterator[McpoolHome]:
    """A home without any configuration yet."""
    with closing(McpoolHome(tmp_path / "home", config=None)) as mcpool:
        yield mcpool
