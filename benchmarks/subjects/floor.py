"""The floor: a bare asyncio protocol on the server's pipes, and `json`. No types, no errors, no limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from benchmarks.caller import Caller
from benchmarks.paths import ECHO

TITLE = "bare asyncio protocol + json (floor)"


class Pipe(asyncio.SubprocessProtocol):
    """Lines in, lines out, one future per id."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.parts: list[bytes] = []
        self.next_id = 0
        self.exited = asyncio.get_running_loop().create_future()

    def start(self, transport: asyncio.SubprocessTransport) -> None:
        self.transport = transport
        self.stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if b"\n" not in data:
            self.parts.append(data)
            return
        if self.parts:
            data = b"".join([*self.parts, data])
            self.parts.clear()
        *lines, rest = data.split(b"\n")
        if rest:
            self.parts.append(rest)
        for line in lines:
            message = json.loads(line)
            self.waiting.pop(message["id"]).set_result(message["result"])

    def process_exited(self) -> None:
        self.exited.set_result(None)

    def request(self, method: str, params: object) -> asyncio.Future[Any]:
        self.next_id += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting[self.next_id] = future
        message = {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}
        self.stdin.write(json.dumps(message).encode() + b"\n")
        return future


@asynccontextmanager
async def opened() -> AsyncGenerator[Caller]:
    transport, pipe = await asyncio.get_running_loop().subprocess_exec(Pipe, *ECHO, stderr=None)
    pipe.start(transport)
    await pipe.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}})

    async def echo(text: str) -> str:
        result = await pipe.request("tools/call", {"name": "echo", "arguments": {"text": text}})
        return result["content"][0]["text"]

    async def big(size: int) -> int:
        result = await pipe.request("tools/call", {"name": "big", "arguments": {"size": size}})
        return len(result["content"][0]["text"])

    try:
        yield Caller(echo, big)
    finally:
        pipe.stdin.close()
        await pipe.exited
        transport.close()
