"""What the configuration says of clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcpool.config import load
from mcpool.config.client import ClientConfig


def read(tmp_path: Path, clients: str) -> Any:
    (tmp_path / "config.toml").write_text(f'[mcp_servers.a]\ncommand = "a"\n{clients}')
    return load(None, home=tmp_path, environ={})


def test_a_client_may_have_some_servers_a_search_and_a_limit(tmp_path: Path):
    config = read(tmp_path, '[clients.cursor]\nservers = ["a"]\ntools = "search"\nmax_tools = 40\n')
    assert config.problems == ()
    assert config.clients == {"cursor": ClientConfig(("a",), True, 40)}


@pytest.mark.parametrize(
    ("clients", "key"),
    [
        ('[clients.cursor]\ntools = "some"', "clients.cursor.tools"),
        ("[clients.cursor]\nmax_tools = 0", "clients.cursor.max_tools"),
        ('[clients.cursor]\nservers = "a"', "clients.cursor.servers"),
        ("[clients]\ncursor = 7", "clients.cursor"),
    ],
)
def test_a_mistake_is_said_where_it_is_and_costs_no_other_client(tmp_path: Path, clients: str, key: str):
    config = read(tmp_path, f"{clients}\n[clients.other]\nmax_tools = 9\n")
    assert [(problem.severity, problem.key) for problem in config.problems] == [("error", key)]
    assert config.clients == {"other": ClientConfig(max_tools=9)}
    assert [server.name for server in config.servers] == ["a"]


def test_a_key_that_there_is_not_is_warned_of(tmp_path: Path):
    config = read(tmp_path, "[clients.cursor]\nmax_tool = 9\n")
    assert [problem.severity for problem in config.problems] == ["warning"]
