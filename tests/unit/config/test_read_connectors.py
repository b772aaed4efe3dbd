"""`[connectors]`: one URL, for each thread its own connection, and no other server can be it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.config import Config, load
from mcpool.config.server import Http


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return load(file, home=tmp_path, environ={})


def test_it_is_read_like_a_server_of_its_own(tmp_path: Path) -> None:
    """P3."""
    config = read(tmp_path, '[connectors]\nurl = "https://apps.example/mcp"\ntool_timeout_sec = 5\n')
    assert config.problems == ()
    assert config.servers == ()
    server = config.connectors
    assert server is not None
    assert isinstance(server.transport, Http)
    assert (server.name, server.scope, server.connectors, server.tool_timeout) == ("connectors", "thread", True, 5.0)


def test_a_program_can_give_it_beside_its_servers(tmp_path: Path) -> None:
    source = {"connectors": {"url": "https://apps.example/mcp"}}
    assert load(source, home=tmp_path, environ={}).connectors is not None
    both = load({**source, "mcpServers": {"a": {"command": "x"}}}, home=tmp_path, environ={})
    assert [server.name for server in both.servers] == ["a"]
    assert both.connectors is not None


@pytest.mark.parametrize(
    "text",
    [
        '[connectors]\ncommand = "x"',
        "connectors = 7",
        '[connectors]\nurl = "x"',
        "[connectors]",
        '[connectors]\nurl = "https://x.example"\nscope = "shared"',
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, text: str) -> None:
    config = read(tmp_path, text)
    assert config.connectors is None
    assert [problem.key.partition(".")[0] for problem in config.problems] == ["connectors"]


@pytest.mark.parametrize("file", ["mcp.json", "config.toml"])
def test_no_configuration_can_make_another_server_speak_for_connectors(tmp_path: Path, file: str) -> None:
    source = tmp_path / file
    entry = '{"mcpServers": {"connectors": {"url": "https://x.example", "connectors": true}}}'
    table = '[mcp_servers.connectors]\nurl = "https://x.example"\nconnectors = true\n'
    source.write_text(entry if file == "mcp.json" else table)
    config = load(source, home=tmp_path, environ={})
    assert [server.connectors for server in config.servers] == [False]
    assert config.connectors is None
