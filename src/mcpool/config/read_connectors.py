"""`[connectors]`: the host's own server for connectors."""

from __future__ import annotations

from dataclasses import replace

from mcpool.config.document import Document
from mcpool.config.problem import Report, Spot
from mcpool.config.read_server import Entry, Surroundings, read_server
from mcpool.config.server import ServerConfig
from mcpool.config.shapes import CONNECTORS, is_foreign
from mcpool.config.table import as_table, kind


def read_connectors(document: Document, around: Surroundings, report: Report) -> ServerConfig | None:
    """The server; None if none is described, or not well, which the report then says."""
    value = None if is_foreign(document) else document.data.get(CONNECTORS)
    if value is None:
        return None
    spot = Spot(report, (CONNECTORS,))
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", "write [connectors] on a line of its own")
        return None
    for key in ("command", "scope"):
        if key in table:
            spot.at(key).error("is not for the server for connectors, which is a URL for each thread", "remove it")
            return None
    server = read_server(Entry(CONNECTORS, table, (CONNECTORS,)), around, report)
    return None if server is None else replace(server, connectors=True, scope="thread")
