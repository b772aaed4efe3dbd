"""What a client is told that asks for a server it can't have."""

from __future__ import annotations

from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig, Stdio
from mcpool.gateway.refusal import refusal

GIT = ServerConfig(name="git", transport=Stdio(command="git-server"))
OFF = ServerConfig(name="off", transport=Stdio(command="off-server"), enabled=False)
WRONG = Problem("error", "config.toml", 7, "mcp_servers.time.comand", "is unknown", "did you mean `command`?")


def test_server_that_is_there_is_not_refused() -> None:
    assert refusal("git", [GIT, OFF]) is None


def test_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    said = refusal("gti", [GIT, OFF])
    assert said == "no server is named `gti`; did you mean `git`? configured: git"


def test_disabled_server_is_said_to_be_disabled() -> None:
    assert "`enabled = false`" in (refusal("off", [GIT, OFF]) or "")


def test_server_with_a_broken_entry_is_answered_with_what_is_wrong() -> None:
    assert "config.toml:7" in (refusal("time", [GIT], [WRONG]) or "")


def test_problem_of_another_server_is_not_named() -> None:
    assert "config.toml:7" not in (refusal("tim", [GIT], [WRONG]) or "")


def test_without_any_server_it_says_where_to_get_some() -> None:
    assert "`mcpool import`" in (refusal("git", []) or "")
