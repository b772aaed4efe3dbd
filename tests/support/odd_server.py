"""A real MCP server of a few lines, standard library only: `python odd_server.py RECORD [HABIT]`.

It appends each method that it receives to the file RECORD, so that a test sees what reached which process. HABIT is one
of `exits`, `silent`, `floods`, `garbage` (before each answer); without one it behaves, but for some of its tools.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

MEGABYTE = 1024 * 1024
TOOLS = ("facts", "big", "die", "hang", "flood")
GARBAGE = (
    b"Debugger listening on nothing\n",
    b"\xff\xfe\x00\x01 no text at all\n",
    b"\n[]\n{}\nnull\n17\n",
    b'{"jsonrpc": "2.0", "id": 1, "resu\n',
    b'{"jsonrpc": "2.0", "id": 4711, "result": {}}\n',
    b'{"jsonrpc": "2.0", "method": "notifications/nonsense", "params": {"text": "\\ud800"}}\n',
    b"[" * 100_000 + b"\n",
)


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
        case "flood":
            return flood()
        case _:
            return None


def flood() -> NoReturn:
    """One line that never ends."""
    while True:
        sys.stdout.write("x" * MEGABYTE)


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    match method:
        case "initialize":
            info = {"name": "odd", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in TOOLS]}
        case "tools/call":
            text = call(params["name"], params.get("arguments", {}))
            return None if text is None else {"content": [{"type": "text", "text": text}]}
        case _:
            raise LookupError(method)


def main(record: str, habit: str = "") -> None:
    if habit == "exits":
        sys.exit("odd: cannot find my database")
    if habit == "floods":
        flood()
    for line in sys.stdin:
        message = json.loads(line)
        with open(record, "a") as file:
            file.write(message.get("method", "answer") + "\n")
        if habit == "silent" or "id" not in message:
            continue
        if habit == "garbage":
            sys.stdout.flush()
            os.write(1, b"".join(GARBAGE))
        try:
            result = answer(message["method"], message.get("params", {}))
        except LookupError:
            send({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
            continue
        if result is not None:
            send({"id": message["id"], "result": result})


if __name__ == "__main__":
    main(*sys.argv[1:])
