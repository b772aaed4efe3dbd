"""Paths to endpoints."""

from __future__ import annotations

import pytest

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


def test_paths_are_remembered_within_limits() -> None:
    routes = Routes()
    for number in range(2000):
        assert routes.of(f"/mcp/{number}") == Route(str(number))
    assert routes.of("/mcp/1999") == Route("1999")
