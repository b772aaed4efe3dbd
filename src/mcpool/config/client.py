"""What the configuration says of one client, by the name of its token: `[clients.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcpool.config.document import Document
from mcpool.config.parse import list_of, one_of, text, whole
from mcpool.config.problem import Report, Spot
from mcpool.config.shapes import is_foreign
from mcpool.config.table import as_table, kind

CLIENTS = "clients"
_KEYS = ("servers", "tools", "max_tools")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What a client is offered."""

    servers: tuple[str, ...] | None = None
    """The names of the servers that it may use; None: all."""
    search: bool = False
    """Tools are searched for instead of listed, whatever it asks for."""
    max_tools: int | None = None
    """If there are more, tools are searched for instead of listed."""


EVERYTHING = ClientConfig()


def read_clients(document: Document, report: Report) -> Mapping[str, ClientConfig]:
    """The table `[clients]`; an entry with a mistake is left out."""
    if is_foreign(document) or CLIENTS not in document.data:
        return {}
    spot = Spot(report, (CLIENTS,))
    table = as_table(document.data[CLIENTS])
    if table is None:
        spot.error(f"must be a table, not {kind(document.data[CLIENTS])}", "write [clients.NAME] on a line of its own")
        return {}
    read = {name: _client(value, spot.at(name)) for name, value in table.items()}
    return {name: client for name, client in read.items() if client is not None}


def _client(value: object, spot: Spot) -> ClientConfig | None:
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", "write [clients.NAME] on a line of its own")
        return None
    errors = spot.report.error_count
    servers: tuple[str, ...] | None = None
    search, max_tools = False, None
    for name, setting in table.items():
        at = spot.at(name)
        match name:
            case "servers":
                servers = list_of(text)(setting, at)
            case "tools":
                search = one_of("all", "search")(setting, at) == "search"
            case "max_tools":
                max_tools = whole(1, 100_000)(setting, at)
            case _:
                at.warning("is not a key of a client and has no effect", f"there are {', '.join(_KEYS)}")
    return ClientConfig(servers, search, max_tools) if spot.report.error_count == errors else None
