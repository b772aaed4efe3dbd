"""A real MCP server that asks, standard library only, in the handshake era: it never says which call made it ask.

`work {"label": ..., "script": [0.01, "ask", "/a/file"]}` works for so many seconds, asks, and waits until there is this
file, step by step, and returns the label, the answers' actions and its pid. `later {"label": ...}` returns at once, and
asks when it has.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import sys
import threading
import time
from typing import Any

_writing = threading.Lock()
_ids = itertools.count(1)
_answers: dict[int, queue.Queue[str]] = {}
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("work", "later")]


def send(message: dict[str, Any]) -> None:
    with _writing:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def ask(label: str) -> str:
    """Ask, and wait for the answer; returns its action, or "error"."""
    id = next(_ids)
    answer = _answers[id] = queue.Queue()
    params: dict[str, Any] = {"message": label, "requestedSchema": {"type": "object", "properties": {}}}
    send({"id": id, "method": "elicitation/create", "params": params})
    return answer.get()


def work(id: Any, arguments: dict[str, Any]) -> None:
    actions: list[str] = []
    for do in arguments.get("script", []):
        if do == "ask":
            actions.append(ask(arguments["label"]))
        elif isinstance(do, str):
            while not os.path.exists(do):
                time.sleep(0.005)
        else:
            time.sleep(do)
    reply(id, {"label": arguments["label"], "actions": actions, "pid": os.getpid()})


def reply(id: Any, value: Any) -> None:
    send({"id": id, "result": {"content": [{"type": "text", "text": json.dumps(value)}]}})


def later(id: Any, arguments: dict[str, Any]) -> None:
    reply(id, {"pid": os.getpid()})
    ask(arguments["label"])


def take(message: dict[str, Any]) -> None:
    method, params = message.get("method"), message.get("params", {})
    if method is None:
        _answers.pop(message["id"]).put(message.get("result", {}).get("action", "error"))
    elif method == "initialize":
        info = {"name": "asking", "version": "1"}
        result: dict[str, Any] = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": info,
        }
        send({"id": message["id"], "result": result})
    elif method == "tools/list":
        send({"id": message["id"], "result": {"tools": TOOLS}})
    elif method == "tools/call":
        target = work if params["name"] == "work" else later
        threading.Thread(target=target, args=(message["id"], params.get("arguments", {})), daemon=True).start()
    elif "id" in message:
        send({"id": message["id"], "error": {"code": -32601, "message": f"no {method}"}})


if __name__ == "__main__":
    for line in sys.stdin:
        take(json.loads(line))
