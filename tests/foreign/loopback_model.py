"""A model that calls one tool and then says what it got: as much of the Responses API as Codex needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackModel:
    """What it was asked, and where it listens."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        self.tool = tool
        self.arguments = arguments
        self.requests: list[dict[str, Any]] = []
        self.url = ""

    def events(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The answer to a request."""
        self.requests.append(body)
        outputs = [item["output"] for item in body["input"] if item.get("type") == "function_call_output"]
        item = _says(json.dumps(outputs[-1])) if outputs else self._calls(body)
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        return [
            {"type": "response.created", "response": {"id": "response"}},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "response", "usage": usage}},
        ]

    def _calls(self, body: dict[str, Any]) -> dict[str, Any]:
        call = {"type": "function_call", "id": "call", "call_id": "call", "arguments": json.dumps(self.arguments)}
        for tool in body["tools"]:
            if any(inner["name"] == self.tool for inner in tool.get("tools", ())):
                return {**call, "namespace": tool["name"], "name": self.tool}
        return _says("that tool is not there")


def _says(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "id": "message", "content": [{"type": "output_text", "text": text}]}


@contextmanager
def serving(model: LoopbackModel) -> Generator[LoopbackModel]:
    """Answer at `model.url` during the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stream = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in model.events(body))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(stream)))
            self.end_headers()
            self.wfile.write(stream.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()
