"""`.codex-plugin/plugin.json` and `.claude-plugin/plugin.json`: what a plugin says of itself. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mcpool.config.document import Document
from mcpool.config.problem import Report, Spot
from mcpool.config.table import Table, as_list, as_table, kind
from mcpool.plugins.beneath import beneath

PLACES = (".codex-plugin/plugin.json", ".claude-plugin/plugin.json")
"""Where it stands, the one that counts first."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_PLACES = 16


@dataclass(frozen=True, slots=True)
class Manifest:
    """Paths are relative to the plugin's folder, and lie in it."""

    name: str
    description: str = ""
    skills: tuple[str, ...] = ()
    """Folders of skills, besides `skills`."""
    servers: tuple[str, ...] = ()
    """Files like `.mcp.json`."""
    more_servers: Table | None = field(default=None, repr=False)
    """Servers that are described in the manifest itself."""
    only_these_servers: bool = False
    """Whether `.mcp.json` is of no account."""
    apps: str | None = None
    """A file in place of `.app.json`."""


def read_manifest(document: Document, report: Report, *, folder: str, place: str) -> Manifest:
    """What it says. A part that is wrong goes to the report, and is as if it were not there.

    `folder` is the name of the plugin's folder, for one that has no name; `place` is one of `PLACES`.
    """
    data = document.data
    spot = Spot(report, ())
    files, inline = _servers(data, spot)
    return Manifest(
        name=_name(data.get("name"), folder, spot.at("name")),
        description=_description(data),
        skills=_paths(data.get("skills"), spot.at("skills")),
        servers=files,
        more_servers=inline,
        # The one host has the manifest's servers take the place of the usual file, the other has them come to it.
        only_these_servers=place == PLACES[0] and (bool(files) or inline is not None),
        apps=next(iter(_paths(data.get("apps"), spot.at("apps"))), None),
    )


def usable_name(text: str) -> str:
    """The text with all that a name cannot hold replaced; empty if nothing is left."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64]


def _name(value: object, folder: str, spot: Spot) -> str:
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    name = usable_name(value if isinstance(value, str) else "") or usable_name(folder) or "plugin"
    if value not in (None, ""):
        spot.warning(
            f"is no name for a plugin, which is called `{name}`", "use letters, digits, `.`, `_` and `-`, 64 at most"
        )
    return name


def _description(data: Table) -> str:
    interface = as_table(data.get("interface")) or {}
    for value in (data.get("description"), interface.get("shortDescription"), interface.get("longDescription")):
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _servers(data: Table, spot: Spot) -> tuple[tuple[str, ...], Table | None]:
    value = data.get("mcpServers")
    if as_table(value) is not None:
        return (), as_table(value)
    return _paths(value, spot.at("mcpServers")), None


def _paths(value: object, spot: Spot) -> tuple[str, ...]:
    if value is None:
        return ()
    several = as_list(value)
    found: list[str] = []
    for index, item in enumerate([value] if several is None else several[:_MOST_PLACES]):
        at = spot if several is None else spot.at(index)
        if not isinstance(item, str):
            at.error(f"must be a path, not {kind(item)}", 'write a path like "./skills"')
        elif beneath("/", item) is None:
            at.error(f"leads out of the plugin's folder: {item!r}", "name something inside it, like ./skills")
        else:
            found.append(item)
    if several is not None and len(several) > _MOST_PLACES:
        spot.warning(f"names {len(several)} paths, of which the first {_MOST_PLACES} count", "name fewer")
    return tuple(found)
