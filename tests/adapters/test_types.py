"""The adapters are typed as strictly as all else, against the frameworks as they are installed for their tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ADAPTERS = REPOSITORY / "src" / "mcpool" / "adapters"
ENVIRONMENTS = REPOSITORY / "build" / "adapters"


def test_the_adapters_have_no_type_error(tmp_path: Path):
    packages = sorted(str(path) for path in ENVIRONMENTS.glob("*/lib/python*/site-packages"))
    if not packages:
        pytest.skip("the frameworks are not installed; run: make .venv/.stamps/adapters")
    config = {
        "include": [str(ADAPTERS)],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(REPOSITORY / "src"), *packages],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    command = [str(Path(sys.executable).with_name("basedpyright")), "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
