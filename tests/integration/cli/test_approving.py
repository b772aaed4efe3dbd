"""`mcpool call` of a tool that needs an approval."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support import questioner
from support.mcpool_home import DEMO, McpoolHome
from support.terminal import Terminal

ASKS = f"""\
default_tools_approval_mode = "prompt"

[mcp_servers.asks]
command = "{sys.executable}"
args = ["{questioner.__file__}"]
"""
QUESTION = r'Allow demo to run `counter` \(Shared counter\) with \{"add": 1\}\?'
PROMPT = r"  \[y\]es, \[a\]lways, \[N\]o: "


@pytest.fixture
def mcpool(home: Path) -> Iterator[McpoolHome]:
    with closing(McpoolHome(home, config=DEMO + ASKS)) as mcpool:
        yield mcpool


@pytest.fixture
def terminal(mcpool: McpoolHome) -> Iterator[Callable[..., Terminal]]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(closing(Terminal("call", *arguments, environ=mcpool.environ)))


def test_a_person_is_asked_and_their_yes_lets_it_run(terminal: Callable[..., Terminal]) -> None:
    calling = terminal("demo", "counter", '{"add": 1}')
    calling.read_until(QUESTION + r"\n" + PROMPT)
    calling.types("y\n")
    assert calling.ends() == 0
    assert '"value": 1' in calling.shown


def test_enter_is_no_and_nothing_runs(terminal: Callable[..., Terminal]) -> None:
    calling = terminal("demo", "counter", '{"add": 1}')
    calling.read_until(PROMPT)
    calling.types("\n")
    assert calling.ends() == 6
    assert "the call of `counter` was not approved; nothing was sent" in calling.shown


def test_always_is_written_and_nobody_is_asked_again(mcpool: McpoolHome, terminal: Callable[..., Terminal]) -> None:
    before = (mcpool.path / "config.toml").read_text()
    calling = terminal("demo", "counter", '{"add": 1}')
    calling.read_until(PROMPT)
    calling.types("a\n")
    assert calling.ends() == 0
    assert "[mcp_servers.demo.tools.counter]" in (mcpool.path / "config.toml").read_text().removeprefix(before)
    assert mcpool.run("call", "demo", "counter").returncode == 0
    assert mcpool.run("call", "demo", "clock").returncode == 6
    assert mcpool.run("config", "check").returncode == 0


def test_without_a_terminal_it_says_what_to_do(mcpool: McpoolHome) -> None:
    done = mcpool.run("call", "demo", "counter")
    assert (done.returncode, done.stdout) == (6, "")
    assert "there is nobody to ask" in done.stderr
    assert done.stderr.endswith("; `--yes` approves it\n")


def test_yes_approves_it_and_answers_no_other_question(mcpool: McpoolHome) -> None:
    assert mcpool.run("call", "--yes", "demo", "counter").returncode == 0
    asked = mcpool.run("call", "--yes", "asks", "ask")
    assert "nobody is there to answer" in asked.stdout


def test_yes_on_a_terminal_asks_only_what_servers_ask(terminal: Callable[..., Terminal]) -> None:
    calling = terminal("--yes", "demo", "counter")
    assert calling.ends() == 0
    assert "Allow" not in calling.shown
