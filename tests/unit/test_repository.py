"""What the files of the repository promise to whoever installs from them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mcpool

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = sorted((REPOSITORY / "requirements").glob("*.txt"))
PEER_REQUIREMENTS = sorted((REPOSITORY / "benchmarks" / "peers").glob("*.txt"))
NODE_LOCKS = [REPOSITORY / folder / "package-lock.json" for folder in ("", "benchmarks/peers", "tests/foreign")]
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("path", [*REQUIREMENTS, *PEER_REQUIREMENTS], ids=lambda path: path.stem)
def test_every_requirement_is_pinned_with_hashes_and_names_no_place(path: Path):
    text = path.read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
    for requirement in text.replace("\\\n", " ").splitlines():
        assert re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_the_requirement_files_agree_with_each_other_on_versions():
    files = [path for path in REQUIREMENTS if path.stem in ("runtime", "test", "lint", "uv")]  # one environment
    pinned: dict[str, set[str]] = {}
    for path in files:
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text("utf-8"), re.MULTILINE):
            pinned.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in pinned.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("path", NODE_LOCKS, ids=["servers", "peers", "foreign"])
def test_the_node_packages_name_no_place_to_get_them_from(path: Path):
    lock = json.loads(path.read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_command_is_the_one_that_the_package_has():
    module, _, function = PROJECT["project"]["scripts"]["mcpool"].partition(":")
    assert (module, function) == ("mcpool.cli", "main")


def test_the_changelog_has_a_place_for_this_version():
    changelog = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## (Unreleased|{re.escape(mcpool.__version__)})", changelog, re.MULTILINE)
