"""The adapters, each with the real framework in an environment of its own: what is in cases/ runs there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = REPOSITORY / "build" / "adapters"
CASES = Path(__file__).with_name("cases")
FRAMEWORKS = sorted(path.stem.removesuffix("_cases") for path in CASES.glob("*_cases.py"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_agent_of_the_real_framework_uses_the_pool(framework: str, tmp_path: Path):
    """Its agents run at the same time on one process, keep to it within a step, and survive its death."""
    python = ENVIRONMENTS / framework.replace("_", "-") / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{framework} is not installed; run: make .venv/.stamps/adapters")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [str(python), "-m", "pytest", "-q", "-c", str(CASES / "pytest.ini"), "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'cases'}", str(CASES / f"{framework}_cases.py")],
        cwd=tmp_path,
        env={**environ, "HOME": str(tmp_path), "MCPOOL_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout
