"""What of the servers an endpoint offers, as a client writes it behind path or name: `?servers=a,b&tools=search`.

Pure. The text form goes where a route goes: into session ids and request states, which are good for that route only.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

_MOST_NAMES = 256


class Selection(NamedTuple):
    """`server` is the one server that the endpoint is, None for all of them or, if that is not None, for `servers`."""

    server: str | None = None
    servers: tuple[str, ...] | None = None
    search: bool = False
    """Tools are searched for instead of listed."""

    @property
    def text(self) -> str | None:
        """As `parse` takes it, always the same for the same selection; None is all of everything."""
        parts = [] if self.servers is None else [f"servers={','.join(self.servers)}"]
        if self.search:
            parts.append("tools=search")
        if not parts:
            return self.server
        return f"{self.server or ''}?{'&'.join(parts)}"

    @property
    def only(self) -> tuple[str, ...] | None:
        """The names of the servers that it is limited to; None is no limit."""
        return self.servers if self.server is None else (self.server,)


def parse(text: str | None) -> Selection:
    """A selection from its text: the name of a server or nothing, and perhaps a query.

    Raises:
        ValueError: a value of the query is none of those that there are. Other parameters are not looked at.
    """
    name, _, query = (text or "").partition("?")
    return of_query(name or None, query)


def of_query(server: str | None, query: str) -> Selection:
    """A selection from the name of a server, or None, and a query. Raises: as `parse`."""
    servers: tuple[str, ...] | None = None
    search = False
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key == "tools":
            if value not in ("search", "all"):
                raise ValueError(f"`tools={value[:40]}`: it is `search`, or `all` as without it")
            search = value == "search"
        elif key == "servers":
            names = tuple(sorted({name.strip() for name in value.split(",") if name.strip()}))
            if not names or len(names) > _MOST_NAMES:
                raise ValueError("`servers` is one or more names of servers, with commas between them")
            if server is not None:
                raise ValueError(f"`servers` goes with the endpoint of all servers; this is that of `{server}`")
            servers = names
    return Selection(server, servers, search)
