"""Our session against servers that people run."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from integration.wire.conftest import Connect

TIMEOUT = 60.0
EVERYTHING = Path(__file__).parents[3] / "node_modules" / ".bin" / "mcp-server-everything"


async def test_mcp_server_time_speaks_2026(connect: Connect) -> None:
    pytest.importorskip("mcp_server_time", reason="mcp-server-time is not installed")
    connected = await connect(sys.executable, "-m", "mcp_server_time")
    session = connected.session

    tools = await session.list_all("tools/list", "tools", timeout=TIMEOUT)
    answer = await session.request(
        "tools/call", {"name": b'"get_current_time"', "arguments": b'{"timezone":"Europe/Paris"}'}, timeout=TIMEOUT
    )

    assert session.version == "2026-07-28"
    assert session.server_info["name"] == "mcp-time"
    assert "get_current_time" in [json.loads(raw)["name"] for raw in tools]
    assert json.loads(answer)["structuredContent"]["timezone"] == "Europe/Paris"
    assert connected.garbage == []


@pytest.mark.skipif(
    not EVERYTHING.exists() or shutil.which("node") is None, reason="needs node and `npm ci` (server-everything)"
)
async def test_server_everything_speaks_the_handshake(connect: Connect) -> None:
    connected = await connect(str(EVERYTHING))
    session = connected.session

    tools = await session.list_all("tools/list", "tools", timeout=TIMEOUT)
    answer = await session.request(
        "tools/call", {"name": b'"echo"', "arguments": b'{"message":"hello"}'}, timeout=TIMEOUT
    )

    assert session.version == "2025-11-25"
    assert session.server_info["name"] == "mcp-servers/everything"
    assert "echo" in [json.loads(raw)["name"] for raw in tools]
    assert json.loads(answer)["content"][0]["text"] == "Echo: hello"
    assert connected.garbage == []
