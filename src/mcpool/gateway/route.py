"""Which servers an endpoint stands for, by its path."""

from __future__ import annotations

from typing import Final, NamedTuple

_REMEMBERED: Final = 256


class Route(NamedTuple):
    """`server` is the name of the one server behind this endpoint; None stands for all of them."""

    server: str | None


HEALTH: Final = "/health"
ALL: Final = Route(None)


class Routes:
    """Paths to routes, remembered: a client's path never changes."""

    def __init__(self) -> None:
        self._seen: dict[str, Route | None] = {}

    def of(self, path: str) -> Route | None:
        """The route of an unquoted path, None if it is no endpoint. Whether its server exists is not looked at."""
        try:
            return self._seen[path]
        except KeyError:
            route = parse(path)
            if len(self._seen) < _REMEMBERED:
                self._seen[path] = route
            return route


def parse(path: str) -> Route | None:
    """`/mcp` is all servers, `/mcp/NAME` is one; a trailing slash makes no difference."""
    path = path.rstrip("/")
    if path == "/mcp":
        return ALL
    if path.startswith("/mcp/"):
        name = path[len("/mcp/") :]
        if "/" not in name:
            return Route(name)
    return None
