"""Finding tools by words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.catalog.tool_search import Index, document, words_of


def tool(name: str, description: str = "", *arguments: str, **more: Any) -> dict[str, Any]:
    properties = {argument: {"type": "string"} for argument in arguments}
    return {"name": name, "description": description, "inputSchema": {"properties": properties}, **more}


TOOLS = [
    tool("git__git_log", "Shows the commit logs", "repo_path", "max_count"),
    tool("git__git_diff", "Shows differences between branches or commits", "repo_path", "target"),
    tool("github__createIssue", "Open a new issue in a repository", "owner", "repo", "title", "body"),
    tool("github__list_issues", "List issues of a repository", "owner", "repo", "state"),
    tool("time__convert", "Convert time between time zones", "source_timezone", "target_timezone"),
    tool("fs__read_file", "Read the contents of a file", "path", annotations={"title": "Open document"}),
]


def found(query: str, limit: int = 3) -> list[str]:
    index = Index([document(spec) for spec in TOOLS])
    return [TOOLS[position]["name"] for position in index.find(query, limit)]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("create an issue", "github__createIssue"),
        ("list the open issues", "github__list_issues"),
        ("commit history log", "git__git_log"),
        ("what changed between two branches", "git__git_diff"),
        ("timezone", "time__convert"),
        ("read files", "fs__read_file"),
        ("document", "fs__read_file"),
        ("git_diff", "git__git_diff"),
        ("conv", "time__convert"),
        ("max count", "git__git_log"),
    ],
)
def test_the_best_match_is_first(query: str, best: str):
    assert found(query)[0] == best


def test_what_matches_nothing_is_not_found():
    assert found("weather forecast") == []
    assert found("") == []


def test_no_more_are_found_than_wanted():
    assert len(found("repository issue git", 2)) == 2


def test_equal_matches_come_in_their_order():
    index = Index([document(tool(f"same_{number}")) for number in range(5)])
    assert index.find("same", 5) == [0, 1, 2, 3, 4]


def test_nothing_can_be_found_in_nothing():
    assert Index([]).find("anything", 5) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("createPullRequest", ["create", "pull", "request"]),
        ("HTTPServer", ["http", "server"]),
        ("list_issues-v2", ["list", "issue", "v", "2"]),
        ("repositories", ["repository"]),
        ("status", ["status"]),
        ("Straße über", ["straße", "über"]),
    ],
)
def test_words_are_read_from_identifiers_in_any_style(text: str, words: list[str]):
    assert words_of(text) == words


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.sampled_from(["name", "title", "description", "inputSchema", "annotations"]), JSON))
def test_a_definition_may_hold_anything(spec: dict[str, Any]):
    Index([document(spec)]).find(str(spec.get("name")), 1)
