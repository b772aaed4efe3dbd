"""The demo server's loop: one JSON-RPC message a line, quick answers at once, slow ones from threads of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, cast

from mcpool.demo.answers import INVALID_PARAMS, Refused, answer, entry, is_modern
from mcpool.demo.arguments import check
from mcpool.demo.catalogue import Catalogue
from mcpool.demo.revisions import stamped
from mcpool.demo.tool import Call, Cancelled, Json, Tool, ToolError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_INTERNAL_ERROR = -32603
_MAX_LINE_BYTES = 4 * 1024 * 1024
_MAX_THREADS = 32


def serve(source: BinaryIO, target: BinaryIO, offers: Catalogue) -> None:
    """Answer the messages of `source` on `target` until `source` ends; then cancel what runs, and wait for it.

    Raises:
        BrokenPipeError: nobody reads `target` any more.
    """
    server = _Server(target, offers)
    try:
        for line in _lines(source):
            server.on_line(line)
    finally:
        server.close()


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines of `source`. One that is too long is cut, which makes it invalid, and the rest of it skipped."""
    while line := source.readline(_MAX_LINE_BYTES):
        yield line
        while not line.endswith(b"\n") and line:
            line = source.readline(_MAX_LINE_BYTES)


class _Server:
    def __init__(self, target: BinaryIO, offers: Catalogue) -> None:
        self._target = target
        self._offers = offers
        self._writing = Lock()
        self._running: dict[str, Call] = {}
        self._threads: ThreadPoolExecutor | None = None

    def on_line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = cast("object", json.loads(line))
        except (ValueError, RecursionError):
            self._refuse(None, Refused(_PARSE_ERROR, "the line is not valid JSON"))
            return
        method = cast("Json", message).get("method") if isinstance(message, dict) else None
        if not isinstance(method, str):
            if not isinstance(message, dict) or "id" not in message:
                self._refuse(None, Refused(_INVALID_REQUEST, "not a JSON-RPC message"))
            return
        request = cast("Json", message)
        params = entry(request, "params")
        if "id" not in request:
            self._on_notification(method, params)
            return
        try:
            self._on_request(request["id"], method, params)
        except Refused as refusal:
            self._refuse(request["id"], refusal)

    def close(self) -> None:
        for call in tuple(self._running.values()):
            call.cancel()
        if self._threads is not None:
            self._threads.shutdown()

    def _on_notification(self, method: str, params: Mapping[str, object]) -> None:
        if method == "notifications/cancelled":
            call = self._running.get(json.dumps(params.get("requestId")))
            if call is not None:
                call.cancel()

    def _on_request(self, request_id: object, method: str, params: Mapping[str, object]) -> None:
        modern = is_modern(method, params)
        if method != "tools/call":
            self._send({"id": request_id, "result": answer(method, params, self._offers, modern=modern)})
            return
        tool = self._offers.tools.get(str(params.get("name")))
        if tool is None:
            raise Refused(INVALID_PARAMS, f"no tool {params.get('name')!r}")
        call = self._call(entry(params, "_meta").get("progressToken"))
        arguments = params.get("arguments")
        if not tool.takes_time:
            self._run(request_id, tool, arguments, call, modern=modern)
            return
        self._running[json.dumps(request_id)] = call
        self._pool().submit(self._run, request_id, tool, arguments, call, modern=modern)

    def _run(self, request_id: object, tool: Tool, arguments: object, call: Call, *, modern: bool) -> None:
        try:
            result = _result(tool, arguments, call)
            self._send({"id": request_id, "result": stamped("tools/call", result) if modern else result})
        except Cancelled:
            pass
        except BrokenPipeError:
            if not tool.takes_time:
                raise
        except Exception as error:
            self._refuse(request_id, Refused(_INTERNAL_ERROR, f"{tool.name} failed: {error!r}"))
        finally:
            self._running.pop(json.dumps(request_id), None)

    def _call(self, token: object) -> Call:
        if token is None:
            return Call()

        def report(done: float, total: float | None, message: str) -> None:
            params: Json = {"progressToken": token, "progress": done, "message": message}
            if total is not None:
                params["total"] = total
            self._send({"method": "notifications/progress", "params": params})

        return Call(report)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # takes longer to import than all else

            self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="demo")
        return self._threads

    def _refuse(self, request_id: object, refusal: Refused) -> None:
        error: Json = {"code": refusal.code, "message": str(refusal)}
        if refusal.data is not None:
            error["data"] = refusal.data
        self._send({"id": request_id, "error": error})

    def _send(self, message: Json) -> None:
        # ASCII, so that even a file name that is no valid Unicode makes a valid message.
        line = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode("ascii") + b"\n"
        with self._writing:
            self._target.write(line)
            self._target.flush()


def _result(tool: Tool, arguments: object, call: Call) -> Json:
    try:
        call.check()
        structured = tool.run(check(cast("Json", tool.definition["inputSchema"]), arguments), call)
    except ToolError as error:
        return {"content": [{"type": "text", "text": str(error)}], "isError": True}
    text = json.dumps(structured, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": False}
