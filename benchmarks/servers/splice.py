"""The floor of a gateway: a bare ASGI application that changes the id of a JSON-RPC message and writes it to the pipe.

Run with uvicorn and httptools. No sessions, no tokens, no limits, no errors: what no real gateway can do without.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
import uvicorn


class Request(msgspec.Struct):
    id: msgspec.Raw = msgspec.Raw(b"")
    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Answer(msgspec.Struct):
    id: int = 0
    result: msgspec.Raw = msgspec.Raw(b"{}")


class Pipe(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[Answer]] = {}
        self.next_id = 0
        self.rest = b""
        self.decoder = msgspec.json.Decoder(Answer)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            answer = self.decoder.decode(line)
            self.waiting.pop(answer.id).set_result(answer)

    def call(self, method: bytes, params: bytes) -> asyncio.Future[Answer]:
        self.next_id += 1
        future = self.waiting[self.next_id] = asyncio.get_running_loop().create_future()
        self.stdin.write(b'{"jsonrpc":"2.0","id":%d,"method":"%b","params":%b}\n' % (self.next_id, method, params))
        return future


class Splice:
    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.decoder = msgspec.json.Decoder(Request)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            event = await receive()
            body += event["body"]
            if not event.get("more_body"):
                break
        request = self.decoder.decode(body)
        if not request.id:
            await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        answer = await self.pipe.call(request.method.encode(), bytes(request.params))
        payload = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (bytes(request.id), bytes(answer.result))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(payload))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": payload})


async def main(port: int, command: list[str]) -> None:
    transport, pipe = await asyncio.get_running_loop().subprocess_exec(Pipe, *command, stderr=None)
    pipe.stdin = transport.get_pipe_transport(0)
    config = uvicorn.Config(
        Splice(pipe), port=port, http="httptools", loop="asyncio", log_level="warning", access_log=False, lifespan="off"
    )
    await uvicorn.Server(config).serve()
    transport.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
