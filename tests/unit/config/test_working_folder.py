"""Which servers may run in one folder for everybody."""

from __future__ import annotations

import pytest

from mcpool.config.working_folder import has_relative_path


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("npx", ["-y", "@modelcontextprotocol/server-filesystem", "/home/ada"]),
        ("npx", ["-y", "@scope/pkg@1.2.3"]),
        ("uvx", ["mcp-server-time", "--local-timezone=Europe/Berlin".replace("/", "_")]),
        ("uvx", ["--from", "git+https://github.com/a/b", "b"]),
        ("/usr/bin/srv", ["~/data", "${HOME}/x", "--url", "https://h/a/b"]),
        ("docker", ["run", "-i", "--rm", "ghcr.io/github/github-mcp-server", "mcp/fetch"]),
        ("docker", ["run", "-v", "/a:/b", "mcp/git"]),
        ("python", ["-m", "server"]),
    ],
)
def test_without_a_relative_path_the_folder_does_not_matter(command: str, args: list[str]) -> None:
    assert not has_relative_path(command, args)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("./server", []),
        ("bin/server", []),
        ("node", ["server.js"]),
        ("node", ["dist/index"]),
        ("python", ["../srv.py"]),
        ("npx", ["-y", "@modelcontextprotocol/server-filesystem", "."]),
        ("srv", ["--root=./data"]),
        ("srv", ["--root=data/x"]),
        ("docker", ["run", "-v", "./x:/y", "mcp/git"]),
        ("docker", ["run", "--mount", "type=bind,src=./x,dst=/y", "mcp/git"]),
    ],
)
def test_with_a_relative_path_the_folder_matters(command: str, args: list[str]) -> None:
    assert has_relative_path(command, args)
