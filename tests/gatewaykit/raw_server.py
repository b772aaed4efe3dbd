"""A handshake server on stdio, standard library only: it answers each call in a thread of its own.

Tools: `echo` returns its arguments; `progress` reports with the token it was given before it answers; `elicit` asks the
user; `pid` tells who it is; `wait` never answers, and `cancelled` tells how often a call was cancelled; `hold` returns
its arguments once `release` was called.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

_lock = threading.Lock()
_answers: dict[Any, tuple[threading.Event, list[Any]]] = {}
_cancelled: dict[Any, threading.Event] = {}
_seen_cancelled: list[Any] = []
_released = threading.Event()


def write(message: dict[str, Any]) -> None:
    with _lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(value: object) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": json.dumps(value)}]}


def call(request: dict[str, Any]) -> None:
    params = request["params"]
    arguments: dict[str, Any] = params.get("arguments") or {}
    match params["name"]:
        case "echo":
            result = text(arguments)
        case "pid":
            result = text(os.getpid())
        case "progress":
            token = params["_meta"]["progressToken"]
            for number in range(3):
                said = {"progressToken": token, "progress": number, "message": json.dumps(arguments)}
                write({"method": "notifications/progress", "params": said})
            result = text(arguments)
        case "elicit":
            result = text(ask(f"elicit-{request['id']}"))
        case "wait":
            event = _cancelled.setdefault(request["id"], threading.Event())
            write({"method": "notifications/message", "params": {"level": "info", "data": "waiting"}})
            event.wait(20)
            return
        case "hold":
            write({"method": "notifications/message", "params": {"level": "info", "data": "holding"}})
            _released.wait(60)
            result = text(arguments)
        case "release":
            _released.set()
            result = text(None)
        case "cancelled":
            result = text(len(_seen_cancelled))
        case _:
            write({"id": request["id"], "error": {"code": -32602, "message": "Unknown tool"}})
            return
    write({"id": request["id"], "result": result})


def ask(number: str) -> Any:
    done = threading.Event()
    answer: list[Any] = []
    _answers[number] = (done, answer)
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    write({"id": number, "method": "elicitation/create", "params": {"message": "Name?", "requestedSchema": schema}})
    done.wait(20)
    return answer[0] if answer else None


def tools() -> list[dict[str, Any]]:
    names = ("echo", "pid", "progress", "elicit", "wait", "cancelled", "hold", "release")
    return [{"name": name, "inputSchema": {"type": "object"}, "vendor": name} for name in names]


def take(message: dict[str, Any]) -> None:
    method = message.get("method")
    if method is None:
        done, answer = _answers.pop(message["id"])
        answer.append(message.get("result", message.get("error")))
        done.set()
    elif method == "notifications/cancelled":
        _seen_cancelled.append(message["params"]["requestId"])
        event = _cancelled.get(message["params"]["requestId"])
        if event is not None:
            event.set()
    elif method == "initialize":
        result: dict[str, Any] = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "raw", "version": "1"},
        }
        write({"id": message["id"], "result": result})
    elif method == "tools/list":
        write({"id": message["id"], "result": {"tools": tools()}})
    elif method == "tools/call":
        threading.Thread(target=call, args=(message,), daemon=True).start()
    elif "id" in message and method in ("ping", "logging/setLevel"):
        write({"id": message["id"], "result": {}})
    elif "id" in message:
        write({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})


if __name__ == "__main__":
    for line in sys.stdin:
        take(json.loads(line))
