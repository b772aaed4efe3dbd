"""Answers as they come over the wire, from uvicorn as the daemon runs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcpool.gateway.http_face import http_face

LARGE = 1_000_000


class Application:
    """Answers each path in a way of its own."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        request = await receive()
        length = {"/whole": 4, "/large": LARGE, "/echo": len(request["body"])}.get(path)
        headers = [] if length is None else [(b"content-length", b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if path == "/stream":
            await self.go_on.wait()
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
        body = {"/whole": b"body", "/large": b"x" * LARGE, "/echo": request["body"]}.get(path, b"")
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(application: Application) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to it, which gives up after a while."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        async with asyncio.timeout(20), http_face(application, sock):
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()


def request(method: str, path: str, *more: str, body: str = "") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *more)
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def test_answers_follow_each_other_on_one_connection() -> None:
    async with connected(Application()) as (reader, writer):
        for _ in range(3):
            writer.write(request("POST", "/whole"))
            assert (await head(reader)).startswith(b"HTTP/1.1 200 OK")
            assert await reader.readexactly(4) == b"body"


async def test_requests_that_do_not_wait_for_answers_are_answered_in_order() -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(request("POST", "/echo", body="one") + request("POST", "/echo", body="two"))
        for body in (b"one", b"two"):
            await head(reader)
            assert await reader.readexactly(3) == body


async def test_large_answer_arrives_whole() -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(request("POST", "/large"))
        await head(reader)
        assert await reader.readexactly(LARGE) == b"x" * LARGE


async def test_head_of_a_stream_does_not_wait_for_its_first_part() -> None:
    application = Application()
    async with connected(application) as (reader, writer):
        writer.write(request("GET", "/stream"))
        assert b"transfer-encoding: chunked" in await head(reader)
        application.go_on.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"4\r\npart\r\n0\r\n\r\n"


async def test_answer_to_head_does_not_wait_for_a_body() -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(request("HEAD", "/whole"))
        assert b"content-length: 4" in await head(reader)


async def test_client_that_waits_to_be_told_to_go_on_is_told() -> None:
    async with connected(Application()) as (reader, writer):
        whole = request("POST", "/echo", "Expect: 100-continue", body="ping")
        writer.write(whole.removesuffix(b"ping"))
        assert await head(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ping")
        await head(reader)
        assert await reader.readexactly(4) == b"ping"


async def test_last_answer_of_a_connection_arrives_before_its_end() -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(request("POST", "/whole", "Connection: close"))
        assert (await reader.read()).endswith(b"\r\n\r\nbody")
