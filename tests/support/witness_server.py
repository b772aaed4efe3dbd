"""A handshake server on stdio, standard library only, that can tell what was asked of it: `witness_server.py [PORT]`.

Tools: `say` waits `ms` milliseconds, reporting progress `reports` times on the way if it was given a token, and returns
`mine`; with `until` it waits for that file to be there first. `ran` returns how often each `mine` was begun,
`cancelled` which of them were cancelled, and `pid` who it is. With a PORT it ends at once if it cannot have that one.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from typing import Any

_ran: Counter[str] = Counter()
_cancelled: list[str] = []
_working: dict[Any, tuple[str, asyncio.Task[None]]] = {}


def write(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(id: Any, value: object) -> None:
    write({"id": id, "result": {"content": [{"type": "text", "text": json.dumps(value)}]}})


async def say(id: Any, params: dict[str, Any]) -> None:
    arguments = params["arguments"]
    while "until" in arguments and not os.path.exists(arguments["until"]):  # noqa: ASYNC110, ASYNC240 - no one tells us
        await asyncio.sleep(0.005)
    mine, pause, reports = arguments["mine"], arguments.get("ms", 0) / 1000, arguments.get("reports", 0)
    token = params.get("_meta", {}).get("progressToken")
    for number in range(reports):
        await asyncio.sleep(pause / reports)
        if token is not None:
            report = {"progressToken": token, "progress": number, "message": mine}
            write({"method": "notifications/progress", "params": report})
    await asyncio.sleep(0 if reports else pause)
    answer(id, mine)
    del _working[id]


def take(message: dict[str, Any]) -> None:
    id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if method == "initialize":
        result: dict[str, Any] = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "witness", "version": "1"},
        }
        write({"id": id, "result": result})
    elif method == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("say", "ran", "cancelled", "pid")]
        write({"id": id, "result": {"tools": tools}})
    elif method == "tools/call" and params["name"] == "say":
        assert id not in _working
        mine = params["arguments"]["mine"]
        _ran[mine] += 1
        _working[id] = mine, asyncio.get_running_loop().create_task(say(id, params))
    elif method == "tools/call":
        answer(id, {"ran": _ran, "cancelled": _cancelled, "pid": os.getpid()}[params["name"]])
    elif method == "notifications/cancelled":
        mine, task = _working.pop(params["requestId"], (None, None))
        if mine is not None and task is not None:
            _cancelled.append(mine)
            task.cancel()
    elif id is not None:
        write({"id": id, "error": {"code": -32601, "message": "Method not found"}})


async def main() -> None:
    if len(sys.argv) > 1:
        try:
            taken = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        except OSError:
            sys.exit(f"it tried port {sys.argv[1]}, which is taken")
        sys.stderr.write(f"it tried port {sys.argv[1]}, and has it\n")
        taken.setblocking(False)
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        take(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
