"""Servers that people use, as they come from their registries."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_BIN = Path(__file__).parents[2] / "node_modules" / ".bin"


def installed(program: str) -> bool:
    """Whether this program of an npm package can run."""
    return (_BIN / program).exists() and shutil.which("node") is not None


def npm(program: str) -> str:
    """The path of a program of an npm package; skips the test if it is not installed."""
    if not installed(program):
        pytest.skip(f"{program} is not installed: `make test` installs it where npm is available")
    return str(_BIN / program)


def git_server(repository: Path) -> dict[str, Any]:
    """mcp-server-git on a new repository with one commit, `the first of many`."""
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "the first of many"], check=True)
    args = ["-m", "mcp_server_git", "--repository", str(repository)]
    return {"command": sys.executable, "args": args, "cwd": str(repository)}


def time_server() -> dict[str, Any]:
    """mcp-server-time."""
    return {"command": sys.executable, "args": ["-m", "mcp_server_time", "--local-timezone", "UTC"], "cwd": "/"}
