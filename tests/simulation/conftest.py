"""Simulations run in virtual time: a minute passes in no time, and in the same order each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from support.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualTimeLoop}
