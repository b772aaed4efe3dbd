"""Which command lines are a configured server's."""

from __future__ import annotations

import pytest

from mcpool.doctor.duplicates import Copy, Running, copies, same_server

FILES = ["npx", "-y", "@modelcontextprotocol/server-filesystem@1.2", "/home/ada"]


@pytest.mark.parametrize(
    ("running", "configured", "verdict"),
    [
        (["uvx", "mcp-server-git"], ["uvx", "mcp-server-git"], True),
        (["/usr/bin/python3", "/x/bin/mcp-server-git"], ["uvx", "mcp-server-git"], True),
        (["uv", "tool", "uvx", "mcp-server-git"], ["uvx", "mcp-server-git"], True),
        (["uvx", "mcp-server-git", "--repository", "/a"], ["uvx", "mcp-server-git"], False),
        (["npm exec @modelcontextprotocol/server-filesystem /home/ada"], FILES, True),
        (["node", "/n/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/home/ada"], FILES, True),
        (["node", "/n/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/srv"], FILES, False),
        (["node", "server.js"], ["node", "/home/ada/server.js"], False),
        (["node", "/home/ada/server.js"], ["node", "/home/ada/server.js"], True),
        (["docker", "run", "-i", "--rm", "mcp/git"], ["docker", "run", "-i", "--rm", "mcp/git"], True),
        (["docker", "run", "-i", "--rm", "mcp/time"], ["docker", "run", "-i", "--rm", "mcp/git"], False),
        (["/opt/git-mcp", "--stdio"], ["git-mcp", "--stdio"], True),
        (["vim", "mcp-server-git"], ["uvx", "mcp-server-git"], False),
        ([""], ["uvx", "mcp-server-git"], False),
    ],
)
def test_it_is_the_same_server_if_name_and_arguments_are(
    running: list[str], configured: list[str], verdict: bool
) -> None:
    assert same_server(running, configured) is verdict


def test_a_launcher_and_what_it_launched_are_one_copy_of_whoever_started_it() -> None:
    processes = [
        Running(1, 0, ("/sbin/init",)),
        Running(5, 1, ("/opt/Cursor/cursor", "--x")),
        Running(6, 5, ("sh", "-c", "...")),
        Running(7, 6, ("uvx", "mcp-server-git")),
        Running(8, 7, ("python", "/x/bin/mcp-server-git")),
        Running(9, 8, ("git", "log")),
    ]
    assert copies(processes, {"git": ["uvx", "mcp-server-git"]}) == [Copy("git", (7, 8, 9), "cursor (pid 5)")]


def test_what_mcpool_started_is_no_copy() -> None:
    assert copies([Running(7, 1, ("uvx", "mcp-server-git"), ours=True)], {"git": ["uvx", "mcp-server-git"]}) == []


def test_a_copy_without_a_parent_was_left_behind() -> None:
    processes = [Running(1, 0, ("init",)), Running(7, 1, ("uvx", "mcp-server-git"))]
    (copy,) = copies(processes, {"git": ["uvx", "mcp-server-git"]})
    assert copy.started_by is None


def test_processes_that_seem_to_descend_from_each_other_are_looked_at_once() -> None:
    processes = [Running(7, 8, ("uvx", "mcp-server-git")), Running(8, 7, ("sh",))]
    assert len(copies(processes, {"git": ["uvx", "mcp-server-git"]})) == 1
