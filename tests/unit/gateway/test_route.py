"""Paths to endpoints."""

from __future__ import annotations

import pytest

from mcpool.gateway.failure import Refusal
from mcpool.gateway.route import Route, Routes, parse


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/mcp", Route(None)),
        ("/mcp/", Route(None)),
        ("/mcp/git", Route("git")),
        ("/mcp/git/", Route("git")),
        ("/mcp/my server", Route("my server")),
        ("/mcp/a/b", None),
        ("/mcpx", None),
        ("/", None),
        ("", None),
        ("/health", None),
    ],
)
def test_path_names_a_route(path: str, route: Route | None) -> None:
    assert parse(path) == route


@pytest.mark.parametrize(
    ("path", "query", "route"),
    [
        ("/mcp", b"tools=search", Route("?tools=search")),
        ("/mcp/git", b"tools=search", Route("git?tools=search")),
        ("/mcp/git", b"tools=all&key=something", Route("git")),
        ("/mcp", b"servers=b,%20a,b", Route("?servers=a,b")),
        ("/mcp", b"tools=search&servers=a", Route("?servers=a&tools=search")),
        ("/mcp/git?tools=search", b"", None),
    ],
)
def test_a_query_is_part_of_the_route(path: str, query: bytes, route: Route | None) -> None:
    assert parse(path, query) == route


@pytest.mark.parametrize(("path", "query"), [("/mcp", b"tools=some"), ("/mcp", b"servers="), ("/mcp/a", b"servers=b")])
def test_a_query_for_what_there_is_not_is_refused(path: str, query: bytes) -> None:
    with pytest.raises(Refusal, match=r"tools|servers"):
        Routes().of(path, query)


def test_paths_are_remembered_within_limits() -> None:
    routes = Routes()
    for number in range(2000):
        assert routes.of(f"/mcp/{number}") == Route(str(number))
    assert routes.of("/mcp/1999") == Route("1999")
