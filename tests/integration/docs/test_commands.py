"""The commands of the documents print what they say, and the examples that need a daemon work with one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.mcpool_home import McpoolHome

from .documents import DOCS, Block, blocks, matches

BIN = Path(sys.executable).parent


@pytest.fixture
def home(tmp_path: Path) -> Iterator[McpoolHome]:
    """A home with the demo server and a running daemon, and a folder to work in."""
    (tmp_path / "work").mkdir()
    with closing(McpoolHome(tmp_path / "home")) as home:
        home.environ["PATH"] = os.pathsep.join([str(BIN), os.environ["PATH"]])
        home.up().ready()
        yield home


def run(home: McpoolHome, *command: str, folder: Path | None = None) -> str:
    """What a command prints."""
    folder = folder or home.path.parent / "work"
    done = subprocess.run(command, env=home.environ, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dialogue(block: Block) -> list[tuple[str, str]]:
    """The commands of a block, each with what it prints. Lines below a command that are indented belong to it."""
    found: list[tuple[str, str]] = []
    for part in block.text.removeprefix("$ ").split("\n$ "):
        lines = part.splitlines()
        length = next((n for n, line in enumerate(lines) if n and not line.startswith("    ")), len(lines))
        found.append(("\n".join(lines[:length]), "\n".join(lines[length:])))
    return found


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_commands_print_what_the_document_says(block: Block, home: McpoolHome):
    if "curl" in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    endpoint = home.record()["endpoint"]
    for command, expected in dialogue(block):
        printed = run(home, "sh", "-c", command.replace("http://127.0.0.1:8377/mcp", endpoint))
        assert matches(expected, printed), f"{command}\n{printed}"


def test_a_program_attaches_to_the_daemon(home: McpoolHome):
    printed = run(home, sys.executable, str(DOCS / "examples" / "attach.py"))
    assert printed == "servers: demo\ncounter: 1\n"


def test_clients_by_shim_and_by_url_share_one_process(home: McpoolHome):
    """P1. A client over HTTP has no folder: it is in that of the daemon, where the other one is as well."""
    record = home.record()
    by_shim = run(home, sys.executable, str(DOCS / "examples" / "client_over_shim.py"), folder=Path.cwd())
    program = str(DOCS / "examples" / "client_over_http.py")
    by_url = run(home, sys.executable, program, record["endpoint"], record["token_file"])
    first, second = json.loads(by_shim), json.loads(by_url)
    assert (first["value"], second["value"]) == (1, 2)
    assert first["pid"] == second["pid"]
