"""What users of the fixtures have: they work where mcpool is installed, and the example does what it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "test_agent.py"
OPTIONS = ("-o", "asyncio_default_fixture_loop_scope=function")


def test_the_example_passes_in_a_project_of_its_own(tmp_path: Path):
    shutil.copy(EXAMPLE, tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *OPTIONS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_whoever_uses_no_fixture_loads_nothing_of_it():
    code = "import sys, mcpool.testing.pytest_plugin; print(*[name for name in sys.modules if 'mcpool.' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["mcpool._version", "mcpool.testing", "mcpool.testing.pytest_plugin"]
