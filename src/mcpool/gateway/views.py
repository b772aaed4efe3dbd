"""The views by route."""

from __future__ import annotations

from mcpool.gateway.everything import EverythingView
from mcpool.gateway.limits import Limits
from mcpool.gateway.single import SingleView
from mcpool.gateway.view import View


class Views:
    """Makes the view of a route; views have no state, so a new one is as good as another."""

    def __init__(self, limits: Limits, version: str) -> None:
        self._everything = EverythingView(limits, version)

    def of(self, route: str | None) -> View:
        """The view of one server, or of all."""
        return self._everything if route is None else SingleView(route)
