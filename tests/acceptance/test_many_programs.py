"""Programs of their own process on the daemon's servers: still one process for each server (P1)."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.mcpool_home import TIMEOUT, McpoolHome
from support.real_servers import DEMO

SERVERS = [f"s{number}" for number in range(5)]

PROGRAM = """
import asyncio, json, mcpool

async def main():
    async with mcpool.open(attach=True) as host, host.thread() as thread:
        await thread.ready()
        print("ready", flush=True)
        await asyncio.to_thread(input)
        async with thread.step() as step:
            names = [name for name in step.tools if name.endswith("__counter")]
            results = await asyncio.gather(*(step.call(name, {"add": 1}) for name in names * 10))
        print(json.dumps([r.structured for r in results]))

asyncio.run(main())
"""


@pytest.fixture
def five(mcpool: McpoolHome) -> McpoolHome:
    """A daemon with five servers."""
    mcpool.configure_servers(**{name: {**DEMO, "cwd": "/", "env": {"NAME": name}} for name in SERVERS})
    mcpool.up().ready()
    return mcpool


def test_four_programs_that_attach_at_once_use_five_processes(five: McpoolHome) -> None:
    """Each counter counts the calls of all four."""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM)],
            env=five.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for program in programs:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
        said = [program.communicate("go\n", timeout=TIMEOUT)[0] for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    counted = [count for one in said for count in json.loads(one)]
    assert len(counted) == 4 * 5 * 10
    assert sorted(count["value"] for count in counted) == sorted(list(range(1, 41)) * 5)
    assert {count["pid"] for count in counted} == set(five.pids())
    assert len(five.pids()) == 5


# The first requests all start together, and each waits for its own lines to the daemon.
SERVICE = """
import functools, sys, mcpool, uvicorn
mcpool.open = functools.partial(mcpool.open, attach=True, grace=30.0)
uvicorn.run("fastapi_app:app", app_dir=sys.argv[1], port=0, log_level="info", access_log=False, ws="none")
"""
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def service(five: McpoolHome) -> Iterator[str]:
    """The URL of the documentation's FastAPI service, attached to the daemon."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(EXAMPLES)], env=five.environ, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        ready = (re.search(r"running on (http://\S+)", line) for line in process.stderr)
        found = next((match for match in ready if match), None)
        assert found is not None, "it ended without serving"
        yield found[1]
    finally:
        process.terminate()
        process.communicate()


async def test_two_hundred_requests_at_once_to_an_attached_service_use_five_processes(
    five: McpoolHome, service: str
) -> None:
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(base_url=service, limits=limits, timeout=60, trust_env=False) as client:
        body = {"arguments": {"add": 1}}
        tools = [f"/tools/mcp__s{number % 5}__counter" for number in range(200)]
        answers = await asyncio.gather(*(client.post(tool, json=body) for tool in tools))
    assert {answer.status_code for answer in answers} == {200}, {answer.text for answer in answers}
    counted = [answer.json()["structuredContent"] for answer in answers]
    assert {count["pid"] for count in counted} == set(five.pids())
    assert sorted(count["value"] for count in counted) == sorted(list(range(1, 41)) * 5)
