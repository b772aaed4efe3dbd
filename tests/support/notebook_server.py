"""A server on stdio that keeps a notebook for each lease (`codex/connection-lease`). Standard library only.

`note` writes `text` into the caller's notebook and returns all that is in it; `notebooks` returns every lease that is
open, with its notes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

_notes: dict[str, list[str]] = {}
_TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("note", "notebooks")]


def call(params: dict[str, Any]) -> Any:
    if params["name"] == "notebooks":
        return _notes
    notes = _notes[params["_meta"]["codex/connectionLease"]]
    notes.append(params["arguments"]["text"])
    return notes


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            capabilities: dict[str, Any] = {"tools": {}, "experimental": {"codex/connection-lease": {}}}
            info = {"name": "notebook", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": info}
        case "tools/list":
            return {"tools": _TOOLS}
        case "codex/connection/open":
            _notes[params["leaseId"]] = []
        case "codex/connection/release":
            del _notes[params["leaseId"]]
        case "tools/call":
            return {"content": [{"type": "text", "text": json.dumps(call(params))}]}
        case _:
            raise LookupError(method)
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        try:
            outcome = {"result": answer(message["method"], message.get("params") or {})}
        except LookupError as error:
            outcome = {"error": {"code": -32601, "message": f"not found: {error}"}}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}) + "\n")
        sys.stdout.flush()
