"""Which servers an endpoint stands for, by its path and query."""

from __future__ import annotations

from typing import Final, NamedTuple

from mcpool.gateway.failure import Refusal
from mcpool.gateway.selection import of_query

_REMEMBERED: Final = 256


class Route(NamedTuple):
    """`server` is the text of a selection: the name of the one server behind this endpoint, None for all of them."""

    server: str | None


HEALTH: Final = "/health"
ALL: Final = Route(None)


class Routes:
    """Paths to routes, remembered: a client's path never changes."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], Route | None] = {}

    def of(self, path: str, query: bytes = b"") -> Route | None:
        """The route of an unquoted path, None if it is no endpoint. Whether its server exists is not looked at.

        Raises:
            Refusal: the query asks for what there is not.
        """
        try:
            return self._seen[path, query]
        except KeyError:
            route = parse(path, query)
            if len(self._seen) < _REMEMBERED:
                self._seen[path, query] = route
            return route


def parse(path: str, query: bytes = b"") -> Route | None:
    """`/mcp` is all servers, `/mcp/NAME` is one; a trailing slash makes no difference. Raises: as `Routes.of`."""
    path = path.rstrip("/")
    name = path.removeprefix("/mcp/") if path.startswith("/mcp/") else None
    if path != "/mcp" and (name is None or "/" in name or "?" in name):
        return None
    try:
        return Route(of_query(name, query.decode("latin-1")).text)
    except ValueError as error:
        raise Refusal(400, f"{error}; see docs/gateway.md") from None
