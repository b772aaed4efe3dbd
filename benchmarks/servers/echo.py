"""The server behind every subject: raw JSON-RPC on stdio, standard library only, run with `python -I -S`.

It answers faster than any subject can ask, so that what is measured is the subject. `big` returns as many bytes as it
is asked for.
"""

import json
import os

TOOLS = [
    {
        "name": "echo",
        "description": "Returns its text.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
    {
        "name": "big",
        "description": "Returns that many bytes of text.",
        "inputSchema": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]},
    },
]
INFO = {"name": "bench-echo", "version": "1"}


def answer(message):
    method = message.get("method")
    params = message.get("params") or {}
    if method == "tools/call":
        arguments = params.get("arguments") or {}
        text = arguments.get("text", "") if params.get("name") == "echo" else "x" * arguments.get("size", 0)
        return {"result": {"content": [{"type": "text", "text": text}], "isError": False}}
    if method == "initialize":
        return {
            "result": {
                "protocolVersion": params.get("protocolVersion", "2025-06-18"),
                "capabilities": {"tools": {}},
                "serverInfo": INFO,
            }
        }
    if method == "tools/list":
        return {"result": {"tools": TOOLS}}
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": -32601, "message": "unknown method"}}


def write(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def main():
    rest = b""
    while chunk := os.read(0, 1 << 18):
        *lines, rest = (rest + chunk).split(b"\n")
        out = []
        for line in lines:
            message = json.loads(line)
            if "id" in message and "method" in message:
                out.append(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message)}))
        if out:
            write(("\n".join(out) + "\n").encode())


main()
