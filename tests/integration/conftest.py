"""A host of its own for each test, with an empty home."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import mcpool
from support.real_servers import OpenHost


@pytest.fixture
async def open_host(tmp_path: Path) -> AsyncGenerator[OpenHost]:
    """`await open_host(source)`: a host that is closed after the test."""
    async with AsyncExitStack() as stack:

        async def opened(source: dict[str, Any], **options: Any) -> mcpool.Host:
            settings: dict[str, Any] = {"home": tmp_path / "home", "grace": 10.0, **options}
            return await stack.enter_async_context(mcpool.open(source, **settings))

        yield opened
