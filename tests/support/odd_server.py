"""A real MCP server of a few lines, standard library only: `python odd_server.py RECORD [HABIT]`.

It appends each method that it receives to the file RECORD, so that a test sees what reached which process. HABIT is one
of `exits`, `silent`, `floods`, `stuck`; without one it is well behaved.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

MEGABYTE = 1024 * 1024


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def call(name: str, arguments: dict[str, Any]) -> str | None:
    """The text of a tool's result; None if it never answers."""
    match name:
        case "facts":
            return json.dumps({"pid": os.getpid(), "cwd": os.getcwd(), "env": dict(os.environ)})
        case "big":
            return "x" * (arguments["megabytes"] * MEGABYTE)
        case "die":
            os._exit(7)
        case _:
            return None


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    match method:
        case "initialize":
            info = {"name": "odd", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in ("facts", "big", "die", "hang")]}
        case "tools/call":
            text = call(params["name"], params.get("arguments", {}))
            return None if text is None else {"content": [{"type": "text", "text": text}]}
        case _:
            raise LookupError(method)


def main(record: str, habit: str = "") -> None:
    if habit == "exits":
        sys.exit("odd: cannot find my database")
    while habit == "floods":
        sys.stdout.write("x" * MEGABYTE)
    for line in sys.stdin:
        message = json.loads(line)
        with open(record, "a") as file:
            file.write(message.get("method", "answer") + "\n")
        if habit == "silent" or "id" not in message:
            continue
        try:
            result = answer(message["method"], message.get("params", {}))
        except LookupError:
            send({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
            continue
        if result is not None:
            send({"id": message["id"], "result": result})


if __name__ == "__main__":
    main(*sys.argv[1:])
