"""Clients that nobody here wrote, with the entries that `mcpool install` gives them. `make foreign` installs them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from foreign.loopback_model import LoopbackModel, serving
from support.mcpool_home import McpoolHome

BIN = Path(__file__).parents[2] / "build" / "foreign" / "node_modules" / ".bin"
WAYS = {"by shim": [], "by URL": ["--url"]}

pytestmark = pytest.mark.skipif(not BIN.is_dir(), reason="`make foreign` installs these clients")


class User:
    """Somebody with a home folder, and a daemon that runs."""

    def __init__(self, pool: McpoolHome, home: Path) -> None:
        self.pool = pool
        self.home = home

    def install(self, client: str, *options: str) -> None:
        done = self.pool.run("install", client, "--yes", *options)
        assert done.returncode == 0, done.stderr

    def run(self, program: str, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [str(BIN / program), *arguments],
            env={**self.pool.environ, **variables},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def user(home: Path, tmp_path: Path) -> Iterator[User]:
    with closing(McpoolHome(home)) as pool:
        pool.environ |= {"HOME": str(tmp_path), "SHELL": "/bin/sh", "MCP_INSPECTOR_SECRET_STORE": "memory"}
        pool.configure_servers(demo={"command": sys.executable, "args": ["-m", "mcpool.demo"], "cwd": "/"})
        assert pool.run("up", "--detach").returncode == 0
        yield User(pool, tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "pool"


@pytest.mark.parametrize("way", WAYS)
def test_the_inspector_lists_and_calls(user: User, way: str) -> None:
    user.install("claude-code", *WAYS[way])
    given = ["--cli", "--config", str(user.home / ".claude.json"), "--server", "demo", "--method"]
    tools: dict[str, Any] = json.loads(user.run("mcp-inspector", *given, "tools/list"))
    assert "counter" in [tool["name"] for tool in tools["tools"]]
    call = ["tools/call", "--tool-name", "counter", "--tool-arg", "add=2"]
    results = [json.loads(user.run("mcp-inspector", *given, *call))["structuredContent"] for _ in range(2)]
    assert [result["value"] for result in results] == [2, 4]
    assert results[0]["pid"] == results[1]["pid"]


@pytest.mark.parametrize("way", WAYS)
def test_codex_calls_a_tool_that_its_model_wants(user: User, way: str) -> None:
    file = user.home / ".codex" / "config.toml"
    file.parent.mkdir()
    with serving(LoopbackModel("counter", {"add": 3})) as model:
        file.write_text(
            'model = "loopback"\nmodel_provider = "loopback"\n\n'
            f'[model_providers.loopback]\nname = "loopback"\nbase_url = "{model.url}"\nenv_key = "LOOPBACK_KEY"\n'
            'wire_api = "responses"\nsupports_websockets = false\n\n'
            f'[mcp_servers.demo] # mine\ncommand = "{sys.executable}"\nargs = ["-m", "mcpool.demo"]\ncwd = "/"\n'
            'required = true\ndefault_tools_approval_mode = "approve"\n'
        )
        before = file.read_bytes()
        user.install("codex", *WAYS[way])
        asked = ["exec", "--skip-git-repo-check", "--sandbox", "read-only", "count"]
        answers = [user.run("codex", *asked, LOOPBACK_KEY="any") for _ in range(2)]
    assert [rf"\"value\":{value}" in answer for value, answer in zip((3, 6), answers, strict=True)] == [True, True], (
        answers
    )
    rows = [row for row in user.pool.status()["servers"] if row["name"] == "demo"]
    assert len(rows) == 1
    assert user.pool.run("uninstall", "codex", "--yes").returncode == 0
    assert file.read_bytes() == before


def test_codex_lists_what_was_installed(user: User) -> None:
    assert shutil.which("mcpool", path=str(Path(sys.executable).parent))
    user.install("codex")
    (server,) = json.loads(user.run("codex", "mcp", "list", "--json"))
    assert server["name"] == "demo"
    assert server["transport"]["args"][-2:] == ["connect", "demo"]
