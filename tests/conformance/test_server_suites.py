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


# By itself the server passes one check more at 2025-11-25, which does not count here: that it hangs up on its client in
# the middle of a call, and goes on when the client has come back. On stdio there is nothing to hang up.
@pytest.mark.parametrize(
    ("server", "run", "checks"),
    [
        pytest.param("everything", STABLE, 40, id="0.1.16"),
        pytest.param("everything", HANDSHAKE, 83, id="2025-11-25"),
        pytest.param("everything", MODERN, 152, id="2026-07-28"),
        pytest.param("handshake", STABLE, 40, id="0.1.16-handshake-server"),
        pytest.param("handshake", HANDSHAKE, 83, id="2025-11-25-handshake-server"),
    ],
)
async def test_one_process_behind_the_gateway_passes_too(
    server: str, run: Run, checks: int, gateway: McpoolHome, tmp_path: Path
):
    async with forwarding(gateway.port(), gateway.token()) as port:
        report = await run(f"http://127.0.0.1:{port}/mcp/{server}", tmp_path / "results")
    assert (report.passed, report.objections) == (checks, [])
    assert len([row for row in gateway.status()["servers"] if row["name"] == server and row["pid"]]) == 1


UNLIKE_A_NEW_SERVER = {
    # Only the server can give its questions the names that the suite looks for, or ask all of them at once.
    "input-required-result-basic-elicitation",
    "input-required-result-multiple-input-requests",
    # What the server is told of its client is fixed when its process starts.
    "input-required-result-capability-check",
    "server-stateless",
    # Answers belong to a call that waits, which is told by the state: without it they are refused.
    "input-required-result-ignore-extra-params",
    "input-required-result-missing-input-response",
    # Folders are never asked for on the way of a call.
    "input-required-result-basic-list-roots",
}


async def test_a_server_of_the_handshake_era_looks_new_but_for_what_only_it_can_do(gateway: McpoolHome, tmp_path: Path):
    async with forwarding(gateway.port(), gateway.token()) as port:
        report = await MODERN(f"http://127.0.0.1:{port}/mcp/handshake", tmp_path / "results")
    assert report.objecting == UNLIKE_A_NEW_SERVER, report.objections
    assert len(report.scenarios) == 40
