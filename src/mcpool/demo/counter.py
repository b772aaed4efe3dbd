"""`counter`: a number that lives in the process, and so shows who shares it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import cast

from mcpool.demo.tool import Call, Json, Tool

_DEFINITION: Json = {
    "name": "counter",
    "title": "Shared counter",
    "description": (
        "Read the counter of this server's process, or add to it. Every client of the same process sees the same "
        "value: two clients that see each other's additions, and the same pid, share one process."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "add": {
                "type": "integer",
                "description": "How much to add before reading; 0 only reads",
                "default": 0,
                "minimum": -1_000_000,
                "maximum": 1_000_000,
            }
        },
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "pid": {"type": "integer", "description": "Process id of the server"},
        },
        "required": ["value", "pid"],
    },
    "annotations": {
        "title": "Shared counter",
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": False,
    },
}


def counter() -> Tool:
    """The tool, with a counter of its own that starts at 0."""
    value = 0

    def count(arguments: Mapping[str, object], call: Call) -> Json:
        nonlocal value
        value += cast("int", arguments["add"])
        return {"value": value, "pid": os.getpid()}

    return Tool(_DEFINITION, count)
