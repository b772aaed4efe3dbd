"""The FastAPI example of the documentation, under load."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from support.real_servers import DEMO, servers

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        running = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            while not server.started:  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(0.01)
            limits = httpx2.Limits(max_connections=200)
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            await running


async def test_two_hundred_requests_at_once_on_five_servers_are_five_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps(servers(**{f"s{n}": {**DEMO, "env": {"N": str(n)}} for n in range(5)})))
    monkeypatch.setenv("MCPOOL_CONFIG", str(config))
    monkeypatch.setenv("MCPOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    app = importlib.import_module("fastapi_app").app
    async with serving(app) as client:
        assert len((await client.get("/tools")).json()) == 20
        body = {"arguments": {"add": 1}}
        answers = await asyncio.gather(*(client.post(f"/tools/mcp__s{n % 5}__counter", json=body) for n in range(200)))
        assert {answer.status_code for answer in answers} == {200}
        counted = [answer.json()["structuredContent"] for answer in answers]
        assert len({count["pid"] for count in counted}) == 5
        assert sorted(count["value"] for count in counted) == sorted(list(range(1, 41)) * 5)
        missing = await client.post("/tools/mcp__s0__nothing", json={})
        assert missing.status_code == 404
