"""`slow`: takes its time, says how far it is, and stops when told to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mcpool.demo.tool import Call, Json, Tool

_DEFINITION: Json = {
    "name": "slow",
    "title": "Slow work",
    "description": (
        "Does nothing for some seconds, in steps, and reports progress after each. "
        "For trying out progress, time limits and cancellation; it never has another effect."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "seconds": {
                "type": "number",
                "description": "How long it takes",
                "default": 3,
                "minimum": 0,
                "maximum": 300,
            },
            "steps": {
                "type": "integer",
                "description": "How many times it reports progress",
                "default": 10,
                "minimum": 1,
                "maximum": 100,
            },
        },
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {"seconds": {"type": "number"}, "steps": {"type": "integer"}},
        "required": ["seconds", "steps"],
    },
    "annotations": {"title": "Slow work", "readOnlyHint": True, "openWorldHint": False},
}


def slow() -> Tool:
    """The tool."""
    return Tool(_DEFINITION, _work, takes_time=True)


def _work(arguments: Mapping[str, object], call: Call) -> Json:
    seconds, steps = cast("float", arguments["seconds"]), cast("int", arguments["steps"])
    for step in range(1, steps + 1):
        call.wait(seconds / steps)
        call.progress(step, steps, f"step {step} of {steps}")
    return {"seconds": seconds, "steps": steps}
