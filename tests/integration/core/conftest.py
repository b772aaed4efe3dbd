"""A host of its own for each test, with an empty home."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import mcpool

OpenHost = Callable[..., Any]


@pytest.fixture
async def open_host(tmp_path: Path) -> AsyncGenerator[OpenHost]:
    """`await open_host(source)`: a host that is closed after the test."""
    async with AsyncExitStack() as stack:

        async def opened(source: dict[str, Any], **options: Any) -> mcpool.Host:
            home = tmp_path / "home"
            return await stack.enter_async_context(mcpool.open(source, **{"home": home, "grace": 10.0, **options}))

        yield opened
