"""`.app.json`: the connectors that a plugin selects. Pure."""

from __future__ import annotations

from mcpool.catalog.connector import Connector
from mcpool.config.document import Document
from mcpool.config.problem import Report, Spot
from mcpool.config.table import as_table, kind

USUAL = ".app.json"
MOST = 64
_LONGEST = 200


def read_apps(document: Document, report: Report, plugin: str) -> tuple[Connector, ...]:
    """The connectors, `{"apps": {NAME: {"id": ID}}}`. One that is wrong goes to the report and is left out."""
    whole = Spot(report, ())
    value = document.data.get("apps", {})
    apps = as_table(value)
    if apps is None:
        whole.at("apps").error(f"must be a table, not {kind(value)}", 'write {"apps": {"NAME": {"id": "ID"}}}')
        return ()
    found: list[Connector] = []
    for name, app in apps.items():
        spot = whole.at("apps").at(name)
        id = (as_table(app) or {}).get("id")
        if not isinstance(id, str) or not id.strip() or len(id) > _LONGEST or not id.isprintable():
            spot.error(f"has no `id` of 1 to {_LONGEST} printable characters", 'write {"id": "ID"}')
        elif len(found) == MOST:
            spot.error(f"is one of more than {MOST}, and is left out", "name fewer")
        else:
            found.append(Connector(id, plugin, name[:_LONGEST] if name.isprintable() else id))
    return tuple(found)
