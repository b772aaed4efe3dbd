"""Configurations of real servers, and the few questions that tests ask them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from mcpool.host import Host
from mcpool.threads.thread import Thread

OpenHost = Callable[..., Awaitable[Host]]
"""Opens a host with a source; it is closed after the test."""

DEMO: dict[str, Any] = {"command": sys.executable, "args": ["-m", "mcpool.demo"]}
_ODD = Path(__file__).with_name("odd_server.py")


def servers(**entries: Mapping[str, Any]) -> dict[str, Any]:
    """A source for `mcpool.open`."""
    return {"mcpServers": {name: dict(entry) for name, entry in entries.items()}}


def odd(record: Path, habit: str | None = None, **settings: Any) -> dict[str, Any]:
    """The odd server; see there."""
    args = ["-I", str(_ODD), str(record), *([habit] if habit else [])]
    return {"command": sys.executable, "args": args, **settings}


def recorded(record: Path, method: str) -> int:
    """How often any process of an odd server received a method."""
    return record.read_text().split().count(method) if record.exists() else 0


async def facts(thread: Thread, server: str = "odd") -> dict[str, Any]:
    """What the odd server says of its process."""
    await thread.ready()
    async with thread.step() as step:
        result = await step.call(f"mcp__{server}__facts")
    return json.loads(result.for_model())


async def demo_pid(thread: Thread, server: str = "demo") -> int:
    """The process behind a demo server."""
    await thread.ready()
    async with thread.step() as step:
        return (await step.call(f"mcp__{server}__counter", {"add": 1})).structured["pid"]


def lives(pid: int) -> bool:
    """Whether this process exists and is more than a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
