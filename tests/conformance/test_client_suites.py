"""The client suites, with the library as the client."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.clients import COMMAND, taking_clients
from conformance.suite import Report, Suite

EXTENSIONS = (
    # Tokens in exchange for those of another issuer, which a program has to get there first.
    "auth/wif-jwt-bearer",
    "auth/enterprise-managed-authorization",
    "auth/cross-app-access-complete-flow",
    # The official SDK has no proofs of possession.
    "auth/dpop",
)
"""What is beyond the protocol itself."""

TOO_OLD = {
    # Metadata of an issuer that is found nowhere but at the server, as 2025-03-26 had it, and that names another
    # issuer than where it was found. The official SDK refuses that, since an attacker could name theirs.
    "auth/2025-03-26-oauth-metadata-backcompat",
}


async def checked(version: str, tmp_path: Path, *options: str) -> Report:
    async with taking_clients(tmp_path / "clients") as variables:
        report = await Suite(version).client(COMMAND, variables, tmp_path / "results", *options)
    return report.without(*EXTENSIONS)


async def test_the_library_passes_the_stable_suite(tmp_path: Path):
    report = await checked("0.1", tmp_path, "--suite", "all")
    # Also objects to clients that come back late, as every program on a busy machine does. 0.2 has it without that.
    report = report.but_for("client-sse-retry-timing")
    assert report.objecting == TOO_OLD, report.objections
    assert len(report.scenarios) == 25


@pytest.mark.parametrize(("revision", "scenarios"), [("2025-11-25", 21), ("2026-07-28", 35)])
async def test_the_library_passes_all_that_a_revision_requires(revision: str, scenarios: int, tmp_path: Path):
    report = await checked("0.2", tmp_path, "--requirements", revision)
    assert report.objections == []
    assert len(report.scenarios) == scenarios
