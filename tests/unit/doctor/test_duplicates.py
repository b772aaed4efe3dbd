"""Which command lines are a configured server's."""

from __future__ import annotations

import pytest

from mcpool.doctor.duplicates import Copy, Running, Starter, copies, same_server

CURSOR = Starter("program", "cursor (pid 5)")
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
    assert copies(processes, {"git": ["uvx", "mcp-server-git"]}) == [Copy("git", (7, 8, 9), CURSOR)]


def test_what_mcpool_started_is_no_copy() -> None:
    assert copies([Running(7, 1, ("uvx", "mcp-server-git"), ours=True)], {"git": ["uvx", "mcp-server-git"]}) == []


MANAGER = Running(4, 1, ("/usr/lib/systemd/systemd", "--user"))


@pytest.mark.parametrize(
    ("above", "unit", "by_systemd", "starter"),
    [
        (Running(1, 0, ("/sbin/init",)), "", False, Starter("gone")),
        (Running(1, 0, ("/sbin/init",)), "session-3.scope", False, Starter("gone")),
        (Running(1, 0, ("/sbin/init",)), "git.service", True, Starter("unit", "git.service")),
        (Running(1, 0, ("/sbin/init",)), "cron.service", False, Starter("unclear", "cron.service")),
        (MANAGER, "vte-spawn-1.scope", False, Starter("gone")),
        (MANAGER, "git.service", True, Starter("unit", "git.service")),
        (MANAGER, "app-code@1.service", False, Starter("unclear", "app-code@1.service")),
        (MANAGER, "", False, Starter("unclear")),
        (Running(1, 0, ("/sbin/launchd",)), None, False, Starter("unclear")),
        (Running(1, 0, ("node", "agent.js")), "", False, Starter("unclear")),
    ],
)
def test_a_copy_that_was_left_behind_is_told_from_a_unit_where_that_can_be_seen(
    above: Running, unit: str | None, by_systemd: bool, starter: Starter
) -> None:
    shell = Running(7, above.pid, ("sh", "-c", "..."), unit=unit, by_systemd=by_systemd)
    processes = [above, shell, Running(8, 7, ("uvx", "mcp-server-git"), unit=unit)]
    (copy,) = copies(processes, {"git": ["uvx", "mcp-server-git"]})
    assert copy.started_by == starter


def test_a_copy_that_another_user_runs_was_not_left_behind() -> None:
    processes = [Running(7, 5, ("uvx", "mcp-server-git"))]
    (copy,) = copies(processes, {"git": ["uvx", "mcp-server-git"]}, {5: ("sudo", "-u", "ada")})
    assert copy.started_by == Starter("program", "sudo (pid 5)")


def test_processes_that_seem_to_descend_from_each_other_are_looked_at_once() -> None:
    processes = [Running(7, 8, ("uvx", "mcp-server-git")), Running(8, 7, ("sh",))]
    assert len(copies(processes, {"git": ["uvx", "mcp-server-git"]})) == 1
