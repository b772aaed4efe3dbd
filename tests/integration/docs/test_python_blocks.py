"""The Python of the documents runs, and prints what it says."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import subprocess
import sys
import types
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import mcpool

from .documents import DOCS, Block, blocks, matches

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}
FRAGMENTS = [block for block in blocks("python") if block.file is None]
COPIES = [block for block in blocks("python") if block.file is not None]


@pytest.fixture
async def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, object]]:
    """`host`, `thread` and `step`, as a reader of docs/library.md has them."""
    monkeypatch.setenv("MCPOOL_HOME", str(tmp_path / "home"))
    async with mcpool.open(CONFIG) as host, host.thread(cwd=tmp_path) as thread:
        await thread.ready()
        async with thread.step() as step:
            yield {"mcpool": mcpool, "host": host, "thread": thread, "step": step}


@pytest.mark.parametrize("block", FRAGMENTS, ids=str)
async def test_a_fragment_runs_and_prints_what_it_says(block: Block, names: dict[str, object]):
    """It may await at its top level."""
    source = "\n" * block.line + block.text
    code = compile(source, str(block.document), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        running = types.FunctionType(code, {"__name__": "fragment", **names})()
        if inspect.isawaitable(running):
            await running
    if block.prints:
        assert matches("\n".join(block.prints), printed.getvalue()), printed.getvalue()


@pytest.mark.parametrize("block", COPIES, ids=str)
def test_a_program_that_is_shown_is_the_one_in_the_examples(block: Block):
    assert block.file is not None
    assert block.text == (DOCS / block.file).read_text(), "run: python docs/include.py"


PRINTED = {
    "first_steps.py": "['mcp__demo__clock', 'mcp__demo__counter', ...]\n1 {\"value\":1,\"pid\":...}",
    "agent_loop.py": 'The counter says: {"value":5,"pid":...}',
    "elicitation.py": "asking wants to run delete\nasking asks: Delete /tmp/old?\ndeleted /tmp/old",
    "telemetry.py": "connect demo, a trace of its own\ntools/call clock, within another\nturn, a trace of its own",
    "plugins.py": "mcp__kit-demo__clock\n<tools> ... <name>kit:count</name> ... Call the counter once. ...",
    "environments.py": "0 tools\nbox is ready\n4 tools",
    "os_threads.py": "20 OS threads used 1 process",
}


@pytest.mark.parametrize("program", PRINTED)
def test_an_example_prints_what_it_promises(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing goes to stderr, and no process is left that would keep its end of the pipe open."""
    monkeypatch.setenv("MCPOOL_HOME", str(tmp_path / "home"))
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert matches(PRINTED[program], done.stdout), done.stdout
