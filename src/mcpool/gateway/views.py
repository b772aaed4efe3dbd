"""The views by route and client."""

from __future__ import annotations

from collections.abc import Callable

from mcpool.config.client import EVERYTHING, ClientConfig
from mcpool.gateway.everything import EverythingView
from mcpool.gateway.limits import Limits
from mcpool.gateway.searching import SearchingView
from mcpool.gateway.selection import Selection, parse
from mcpool.gateway.single import SingleView
from mcpool.gateway.view import View

Clients = Callable[[str], ClientConfig]
"""What the configuration says of a client, by its principal."""


def everybody_alike(principal: str) -> ClientConfig:
    """Nothing is said of any client."""
    return EVERYTHING


class Views:
    """Makes the view of a route; views have no state, so a new one is as good as another."""

    def __init__(self, limits: Limits, version: str, clients: Clients = everybody_alike) -> None:
        self._limits = limits
        self._version = version
        self._clients = clients

    def of(self, route: str | None, principal: str) -> View:
        """The view of one server, of several or of all, as the client behind the principal may have it."""
        selection, client = parse(route), self._clients(principal)
        view = self._plain(selection, route, _only(selection, client))
        if selection.search or client.search:
            return SearchingView(view)
        return view if client.max_tools is None else SearchingView(view, above=client.max_tools)

    def _plain(self, selection: Selection, route: str | None, only: tuple[str, ...] | None) -> View:
        if selection.server is not None:
            return SingleView(selection.server, route=route, only=only)
        return EverythingView(self._limits, self._version, route=route, only=only)


def _only(selection: Selection, client: ClientConfig) -> tuple[str, ...] | None:
    if selection.only is None or client.servers is None:
        return client.servers if selection.only is None else selection.only
    return tuple(name for name in selection.only if name in client.servers)
