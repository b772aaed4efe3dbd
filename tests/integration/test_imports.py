"""What importing the package costs: its heavy dependencies are imported with the first use of what needs them."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from typing import cast

import mcpool

HEAVY = ("keyring", "mcp", "mcp_types", "opentelemetry", "pydantic", "rich", "starlette", "tomlkit", "uvicorn")

_IMPORT_ONE_BY_ONE = """
import importlib, json, sys
heavy = set(json.loads(sys.argv[1]))
blamed = {}
for name in sys.argv[2:]:
    before = set(sys.modules)
    importlib.import_module(name)
    found = sorted(heavy & (set(sys.modules) - before))
    if found:
        blamed[name] = found
own = [name for name in sys.modules if name.startswith("mcpool.")]
json.dump({"blamed": blamed, "own": own}, sys.stdout)
"""


def import_one_by_one(*modules: str) -> dict[str, object]:
    """Import `modules` in a fresh interpreter: which of them first brought something heavy, and what of ours came."""
    command = [sys.executable, "-c", _IMPORT_ONE_BY_ONE, json.dumps(HEAVY), *modules]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return cast("dict[str, object]", json.loads(run.stdout))


def test_importing_the_package_imports_no_module_of_its_own_but_the_version():
    assert import_one_by_one("mcpool") == {"blamed": {}, "own": ["mcpool._version"]}


def test_no_module_imports_a_heavy_dependency_when_it_is_imported():
    found = pkgutil.walk_packages(mcpool.__path__, "mcpool.")
    names = sorted(module.name for module in found if not module.name.endswith("__main__"))
    modules = [name for name in names if not name.startswith("mcpool.adapters.")]  # each is for who has its framework
    assert import_one_by_one(*modules)["blamed"] == {}
