"""An MCP server that writes down whatever it does: `python lasting_server.py RECORD [PORT]`, on stdio or HTTP.

It appends one line to the file RECORD for its start (`start PID`) and for each request (`METHOD PID [NUMBER]`), before
it does anything about it, so that a test knows what ran and how often, whatever became of the answer. It has every
operation that a server can offer. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

HINTS: dict[str, dict[str, bool]] = {
    "write": {},
    "read": {"readOnlyHint": True},
    "put": {"idempotentHint": True},
}
URI = "note:///one"
INFO = {"name": "lasting", "version": "1"}
CAPABILITIES = {"tools": {}, "resources": {"subscribe": True}, "prompts": {}, "completions": {}, "logging": {}}


class Unknown(Exception):
    """No such method."""


def write_down(record: str, *words: object) -> None:
    handle = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, (" ".join(map(str, words)) + "\n").encode())
    os.close(handle)


def starts(record: str) -> int:
    with open(record) as file:
        return sum(line.startswith("start ") for line in file)


def call(record: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """`stays` never answers in the first process; `dies` ends it instead of answering."""
    if arguments.get("stays") and starts(record) == 1:
        while True:
            time.sleep(1000)
    if arguments.get("dies") and starts(record) == 1:
        os._exit(7)
    return {"content": [{"type": "text", "text": str(arguments.get("number"))}]}


def result(record: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            return {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": INFO}
        case "tools/list":
            schema = {"type": "object"}
            return {"tools": [{"name": n, "inputSchema": schema, "annotations": h} for n, h in HINTS.items()]}
        case "tools/call":
            return call(record, params.get("arguments", {}))
        case "resources/list":
            return {"resources": [{"uri": URI, "name": "one"}]}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case "resources/read":
            return {"contents": [{"uri": URI, "text": "one"}]}
        case "prompts/list":
            return {"prompts": [{"name": "greet", "arguments": [{"name": "who"}]}]}
        case "prompts/get":
            return {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]}
        case "completion/complete":
            return {"completion": {"values": ["world"]}}
        case "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe":
            return {}
        case _:
            raise Unknown(method)


def answer(record: str, message: dict[str, Any]) -> dict[str, Any] | None:
    """Write a message down and answer it; None if it wants no answer."""
    method, params = message.get("method", "answer"), message.get("params", {})
    number = params.get("arguments", {}).get("number", "") if method == "tools/call" else ""
    write_down(record, method, os.getpid(), number)
    if "id" not in message or "method" not in message:
        return None
    head = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        return {**head, "result": result(record, method, params)}
    except Unknown:
        return {**head, "error": {"code": -32601, "message": f"no method {method}"}}


def serve_pipe(record: str) -> None:
    for line in sys.stdin:
        said = answer(record, json.loads(line))
        if said is not None:
            print(json.dumps(said), flush=True)


def serve_http(record: str, port: int) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # takes longer than all the rest to import

    session = f"session-{os.getpid()}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class calls it so)
            """Say nothing."""

        def reply(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Mcp-Session-Id", session)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.reply(405)

        def do_DELETE(self) -> None:
            self.reply(200)

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            opens = message.get("method") in ("initialize", "server/discover")
            if not opens and self.headers.get("Mcp-Session-Id") != session:
                self.reply(404)
                return
            said = answer(record, message)
            if said is None:
                self.reply(202)
            else:
                self.reply(200, json.dumps(said).encode())

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", port), Handler)
    print("ready", flush=True)
    server.serve_forever()


def main(record: str, port: str = "") -> None:
    write_down(record, "start", os.getpid())
    if port:
        serve_http(record, int(port))
    else:
        serve_pipe(record)


if __name__ == "__main__":
    main(*sys.argv[1:])
