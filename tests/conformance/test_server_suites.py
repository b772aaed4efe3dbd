"""The server suites: the everything server by itself, and one process of it behind the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.forwarder import forwarding
from conformance.suite import Report, Suite
from support.mcpool_home import McpoolHome

_TASKS = "tasks-"
"""The scenarios of an extension that neither the SDK nor the revision's core has."""


@dataclass(frozen=True)
class Run:
    """What is asked of a server."""

    version: str
    options: tuple[str, ...] = ()

    async def __call__(self, url: str, results: Path) -> Report:
        report = await Suite(self.version).server(url, results, *self.options)
        return report.without(_TASKS)


STABLE = Run("0.1")
HANDSHAKE = Run("0.2", ("--requirements", "2025-11-25"))
MODERN = Run("0.2", ("--requirements", "2026-07-28"))


@pytest.mark.parametrize(
    ("run", "checks"),
    [
        pytest.param(STABLE, 40, id="0.1.16"),
        pytest.param(HANDSHAKE, 84, id="2025-11-25"),
        pytest.param(MODERN, 152, id="2026-07-28"),
    ],
)
async def test_the_everything_server_passes_by_itself(run: Run, checks: int, direct: str, tmp_path: Path):
    report = await run(direct, tmp_path / "results")
    assert (report.passed, report.objections) == (checks, [])


@pytest.mark.parametrize(
    ("server", "run", "checks"),
    [
        pytest.param("everything", STABLE, 39, id="0.1.16"),
        pytest.param("everything", HANDSHAKE, 80, id="2025-11-25"),
        pytest.param("everything", MODERN, 152, id="2026-07-28"),
        pytest.param("handshake", STABLE, 39, id="0.1.16-handshake-server"),
        pytest.param("handshake", HANDSHAKE, 80, id="2025-11-25-handshake-server"),
    ],
)
async def test_one_process_behind_the_gateway_passes_too(
    server: str, run: Run, checks: int, gateway: McpoolHome, tmp_path: Path
):
    async with forwarding(gateway.port(), gateway.token()) as port:
        report = await run(f"http://127.0.0.1:{port}/mcp/{server}", tmp_path / "results")
    assert (report.passed, report.objections) == (checks, [])
    assert len([row for row in gateway.status()["servers"] if row["name"] == server and row["pid"]]) == 1
