"""Approvals for ever, in the file that a host's configuration came from (S2)."""

from __future__ import annotations

import json
import logging
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

import mcpool
from support.real_servers import DEMO, OpenHost, servers

PYTHON = json.dumps(sys.executable)
TEXT = f"""\
# My servers.
[mcp_servers.demo]
command = {PYTHON}
args = ["-m", "mcpool.demo"]
default_tools_approval_mode = "prompt"

# The other one.
[mcp_servers.other]
command = {PYTHON}
args = ["-m", "mcpool.demo"]
"""
CLOCK = "mcp__demo__clock"


class Always:
    """Approves for ever."""

    def __init__(self) -> None:
        self.asked: list[mcpool.ApprovalRequest] = []

    def __call__(self, request: mcpool.ApprovalRequest) -> mcpool.ApprovalAnswer:
        self.asked.append(request)
        return mcpool.ApprovalAnswer("always")


def written(folder: Path, text: str = TEXT) -> Path:
    file = folder / "servers.toml"
    file.write_text(text)
    file.chmod(0o640)
    return file


def read(file: Path) -> str:
    return file.read_text()


async def call(host: mcpool.Host, somebody: Always) -> None:
    async with host.thread(on_approve=somebody) as thread, thread.step() as step:
        await step.call(CLOCK)


async def test_it_is_written_once_and_the_next_program_does_not_ask(open_host: OpenHost, tmp_path: Path) -> None:
    file, somebody = written(tmp_path), Always()
    host = await open_host(file)
    pids = {row["pid"] for row in host.status()}
    await call(host, somebody)
    await call(host, somebody)
    assert len(somebody.asked) == 1
    assert somebody.asked[0].choices == ("once", "session", "always", "deny")
    assert read(file).startswith(TEXT)
    assert '\n[mcp_servers.demo.tools.clock]\napproval_mode = "approve"\napproved_definition = "sha256:' in read(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert {row["pid"] for row in host.status()} >= pids
    await call(await open_host(file), somebody)
    host.apply()
    await call(host, somebody)
    assert len(somebody.asked) == 1


async def test_what_was_written_for_another_definition_is_asked_for_again(open_host: OpenHost, tmp_path: Path) -> None:
    old = f'[mcp_servers.demo.tools.clock]\napproval_mode = "approve"\napproved_definition = "sha256:{"0" * 64}"\n'
    file, somebody = written(tmp_path, TEXT + old), Always()
    host = await open_host(file)
    await call(host, somebody)
    assert len(somebody.asked) == 1
    assert "0" * 64 not in read(file)
    assert read(file).startswith(TEXT)


async def test_edits_of_the_user_since_then_stay(open_host: OpenHost, tmp_path: Path) -> None:
    file = written(tmp_path)
    host = await open_host(file)
    edited = TEXT.replace("# The other one.", "# A better name.") + "\n[daemon]\nport = 9999\n"
    written(tmp_path, edited)
    await call(host, Always())
    assert read(file).startswith(edited)


OTHER_PROGRAM = TEXT.replace("mcpool.demo", "another_program")
RENAMED = TEXT.replace("mcp_servers.demo", "mcp_servers.renamed")


@pytest.mark.parametrize("edited", [OTHER_PROGRAM, RENAMED, ""])
async def test_nothing_is_written_for_a_server_that_is_another_one_by_now(
    open_host: OpenHost, tmp_path: Path, edited: str, caplog: pytest.LogCaptureFixture
) -> None:
    file, somebody = written(tmp_path), Always()
    host = await open_host(file)
    written(tmp_path, edited)
    with caplog.at_level(logging.WARNING, "mcpool"):
        async with host.thread(on_approve=somebody) as thread:
            for _ in range(2):
                async with thread.step() as step:
                    await step.call(CLOCK)
    assert len(somebody.asked) == 1
    assert read(file) == edited
    assert "`clock` is approved for this conversation only" in caplog.text
    assert "`demo` is described differently by now" in caplog.text


@pytest.mark.parametrize("kind", ["dict", "json", "foreign"])
async def test_it_is_not_offered_where_it_cannot_be_written(open_host: OpenHost, tmp_path: Path, kind: str) -> None:
    source: Any = servers(demo={**DEMO, "default_tools_approval_mode": "prompt"})
    folder = tmp_path / "folder"
    folder.mkdir()
    if kind == "json":
        text = json.dumps(source)
        source = folder / "mcp.json"
        source.write_text(text)
    elif kind == "foreign":
        source = written(folder, 'model = "m"\n' + TEXT)
    before = None if kind == "dict" else read(source)
    somebody = Always()
    await call(await open_host(source), somebody)
    assert [request.choices for request in somebody.asked] == [("once", "session", "deny")]
    assert before == (None if kind == "dict" else read(source))


def test_the_blocking_twin_can_answer_for_longer_too(tmp_path: Path) -> None:
    somebody = Always()
    source = servers(demo={**DEMO, "default_tools_approval_mode": "prompt"})
    with mcpool.sync.open(source, home=tmp_path, grace=30.0) as host, host.thread(on_approve=somebody) as thread:
        for _ in range(2):
            with thread.step() as step:
                step.call(CLOCK)
        assert len(somebody.asked) == 1
        thread.forget_approvals()
        thread.set_authority(mcpool.Authority("never", default_mode=thread.authority.default_mode))
        with thread.step() as step, pytest.raises(mcpool.ApprovalDenied, match="set to ask nobody"):
            step.call(CLOCK)
