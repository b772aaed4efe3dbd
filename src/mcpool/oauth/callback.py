"""What comes back from the browser: over loopback, or pasted by a person who has the browser elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
PATH = "/callback"
_LONGEST = 16 * 1024
_READ_SECONDS = 10.0
_LAST_PAGE_SECONDS = 1.0

_PAGE = """<!doctype html><meta charset="utf-8"><title>mcpool</title>
<body style="font-family: system-ui; margin: 4em auto; max-width: 32em"><h1>{title}</h1><p>{text}</p></body>"""
_DONE = ("Signed in", "You can close this window and go back to where you came from.")
_SORRY = ("Not signed in", "Where you came from it is said what happened.")


class NoAnswer(ValueError):
    """What came back is no answer to the sign-in. The message says what is wrong with it, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an issuer sent back through the browser."""

    state: str
    code: str = field(default="", repr=False)
    iss: str | None = None
    error: str | None = None
    """The issuer's code for a refusal, such as `access_denied`."""


def read_answer(url: str) -> Answer:
    """The answer in a redirect URL.

    Raises:
        NoAnswer: it holds none.
    """
    fields = _fields(url.strip())
    if "state" not in fields or not ("code" in fields or "error" in fields):
        raise NoAnswer(
            "it is not the address that the browser was sent to at the end: that one has `code=` and `state=` in it"
        )
    error = fields.get("error")
    return Answer(
        state=fields["state"],
        code=fields.get("code", ""),
        iss=fields.get("iss"),
        error=None if error is None else "".join(c for c in error[:80] if c.isalnum() or c in "_-"),
    )


def state_of(authorization_url: str) -> str:
    """What marks the answer to it as such."""
    return _fields(authorization_url).get("state", "")


def _fields(url: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    except ValueError:
        return {}  # not a URL at all


class Callback:
    """The loopback end of a redirect. Made by `listening`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._state: str | None = None
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @property
    def url(self) -> str:
        """Where the issuer has to send the browser."""
        return redirect_url(self.port)

    def expect(self, authorization_url: str) -> None:
        """Take only an answer to this: any program here can send something to the port."""
        self._state = state_of(authorization_url)

    async def answer(self) -> Answer:
        """Wait for it."""
        return await self._answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection of a browser."""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._respond(head))
            async with asyncio.timeout(_READ_SECONDS):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a browser that gave up, or no browser
        finally:
            writer.close()

    def _respond(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if method != "GET" or target.partition("?")[0] != PATH:
            return _page("404 Not Found", _SORRY)
        try:
            answer = read_answer(target)
        except NoAnswer:
            return _page("400 Bad Request", _SORRY)
        if self._state is None or answer.state != self._state:
            return _page("400 Bad Request", _SORRY)
        if not self._answer.done():
            self._answer.set_result(answer)
        return _page("200 OK", _SORRY if answer.error else _DONE)


def redirect_url(port: int) -> str:
    """Where an issuer sends the browser at the end."""
    return f"http://{HOST}:{port}{PATH}"


def _page(status: str, words: tuple[str, str]) -> bytes:
    body = _PAGE.format(title=words[0], text=words[1]).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def listening(port: int = 0) -> AsyncGenerator[Callback]:
    """Listen on loopback; 0 takes any free port.

    Raises:
        OSError: the port is taken.
    """
    callback: Callback
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        await callback.serve(reader, writer)

    server = await asyncio.start_server(connected, HOST, port, limit=_LONGEST, start_serving=False)
    callback = Callback(server.sockets[0].getsockname()[1])
    try:
        await server.start_serving()
        yield callback
    finally:
        server.close()
        if connections:
            await asyncio.wait(connections, timeout=_LAST_PAGE_SECONDS)
        for silent in connections:  # browsers open some in advance
            silent.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
