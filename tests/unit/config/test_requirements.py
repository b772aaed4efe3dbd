"""What an administrator allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcpool.config import Config, load
from mcpool.config.server import Http, ServerConfig, Stdio

GIT = ServerConfig("git", Stdio("uvx", ("mcp-server-git",)))
LINEAR = ServerConfig("linear", Http("https://mcp.linear.app/mcp"))


def read(requirements: Any) -> Config:
    return load({"mcp_servers": {}, "requirements": requirements}, home=Path("/nowhere"), environ={})


def allowed(server: ServerConfig, *rules: Any) -> bool:
    requirements = read({"allow": list(rules)}).requirements
    assert requirements is not None
    return requirements.refusal(server) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "git"},
        {"command": "uvx mcp-server-git"},
        {"command": {"prefix": "uvx mcp-server-"}},
        {"command": {"regex": "uvx mcp-server-(git|time)"}},
        {"name": {"prefix": "g"}, "command": {"prefix": "uvx "}},
    ],
)
def test_a_server_that_meets_all_conditions_of_a_rule_is_allowed(rule: Any) -> None:
    assert allowed(GIT, {"name": "other"}, rule)


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "gi"},
        {"command": "uvx"},
        {"command": {"regex": "mcp-server-git"}},
        {"url": {"prefix": "https://"}},
        {"name": "git", "command": {"prefix": "npx"}},
    ],
)
def test_a_server_that_misses_a_condition_is_not(rule: Any) -> None:
    assert not allowed(GIT, rule)


def test_endpoints_are_told_by_their_url() -> None:
    assert allowed(LINEAR, {"url": {"prefix": "https://mcp.linear.app/"}})
    assert not allowed(LINEAR, {"command": {"regex": ".*"}})


def test_without_any_rule_nothing_is_allowed_and_without_the_table_everything() -> None:
    assert not allowed(GIT)
    assert load({"mcp_servers": {}}, home=Path("/nowhere"), environ={}).requirements is None


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ("all", "must be a table"),
        ({"allow": "git"}, "must be a list of tables"),
        ({"allow": ["git"]}, "must be a table with a condition"),
        ({"allow": [{"program": "x"}]}, "is no condition"),
        ({"allow": [{"name": 7}]}, "must be text, { prefix"),
        ({"allow": [{"name": {"suffix": "x"}}]}, "must be text, { prefix"),
        ({"allow": [{"name": {"regex": "("}}]}, "is no regular expression"),
        ({"allow": [{"name": "git"}], "approval_mode": "promt"}, "is 'promt'"),
        ({"allow": [{"name": "git"}], "approval_mode": True}, "must be text"),
        ({"alow": [{"name": "git"}], "approval_mode": "prompt"}, "is not a key of the requirements"),
    ],
)
def test_a_mistake_is_told_and_allows_nothing(requirements: Any, words: str) -> None:
    config = read(requirements)
    assert words in " ".join(problem.message for problem in config.problems)
    assert config.requirements is not None
    assert config.requirements.refusal(GIT) is not None


def test_a_mode_of_approval_alone_allows_every_server() -> None:
    requirements = read({"approval_mode": "writes"}).requirements
    assert requirements is not None
    assert requirements.approval_mode == "writes"
    assert requirements.refusal(GIT) is None


def test_a_mode_of_approval_goes_with_rules() -> None:
    requirements = read({"approval_mode": "prompt", "allow": [{"name": "git"}]}).requirements
    assert requirements is not None
    assert requirements.approval_mode == "prompt"
    assert (requirements.refusal(GIT), requirements.refusal(LINEAR) is None) == (None, False)
