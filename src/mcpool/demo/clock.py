"""`clock`: the time in a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from mcpool.demo.tool import Call, Json, Tool, ToolError

_DEFINITION: Json = {
    "name": "clock",
    "title": "Clock",
    "description": (
        "The current date and time in a time zone. Use it whenever the answer depends on what time it is; "
        "do not guess. Zones are IANA names such as Europe/Paris, America/New_York or UTC."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "zone": {
                "type": "string",
                "description": "IANA time zone name",
                "default": "UTC",
                "minLength": 1,
                "maxLength": 64,
            }
        },
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "zone": {"type": "string"},
            "time": {"type": "string", "description": "ISO 8601 with the offset from UTC"},
            "weekday": {"type": "string"},
        },
        "required": ["zone", "time", "weekday"],
    },
    "annotations": {"title": "Clock", "readOnlyHint": True, "openWorldHint": False},
}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def clock() -> Tool:
    """The tool."""
    return Tool(_DEFINITION, _tell)


def _tell(arguments: Mapping[str, object], call: Call) -> Json:
    # Imported with the first call: together they take as long as everything else at start.
    from datetime import datetime
    from zoneinfo import ZoneInfo

    name = str(arguments["zone"])
    try:
        zone = UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        msg = f"unknown time zone {name!r}; zones are IANA names such as Europe/Paris"
        raise ToolError(msg) from None
    now = datetime.now(zone)
    return {"zone": name, "time": now.isoformat(timespec="seconds"), "weekday": _WEEKDAYS[now.weekday()]}
