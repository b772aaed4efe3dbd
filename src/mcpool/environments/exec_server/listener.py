"""The door of an executor: WebSockets, for whoever holds the token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcpool.environments.exec_server.connection import Connection, Offer, info_of
from mcpool.environments.exec_server.file_answers import FileAnswers
from mcpool.environments.exec_server.http_answers import HttpAnswers
from mcpool.environments.exec_server.sessions import Sessions
from mcpool.environments.exec_server.tasks import task_spawner
from mcpool.environments.protocol import LARGEST_MESSAGE
from mcpool.environments.websocket import PING_EVERY, PONG_WITHIN, WebSocket
from mcpool.launch.place import open_local

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

logger = logging.getLogger("mcpool")

SEND_BUFFER = 256 * 1024
"""Bytes that the system may hold for a client: they are what a lost socket loses."""
READY = "/readyz"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an executor can be reached."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """For its clients."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}"


@asynccontextmanager
async def exec_server(
    home: Path, environ: Mapping[str, str], *, token: str, root: Path, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[Listening]:
    """Be an executor during the block. `environ` are the variables that processes can get.

    On leaving every process is ended, and none outlives this one, however it ends.

    Raises:
        OSError: the address can't be listened at, or the home can't be written.
    """
    from websockets.asyncio.server import serve

    async with AsyncExitStack() as stack:
        launcher = await stack.enter_async_context(open_local(home, environ))
        spawn = await stack.enter_async_context(task_spawner())
        sessions = Sessions(launcher, environ, spawn)
        http = HttpAnswers(environ)
        stack.push_async_callback(http.close)
        stack.push_async_callback(sessions.close)
        offer = Offer(sessions, FileAnswers(), http, info_of(str(root), environ))

        async def take_in(connection: ServerConnection) -> None:
            _limit_buffer(connection)
            try:
                await Connection(WebSocket(connection), offer).run()
            except Exception:
                logger.exception("a client's connection failed; this is a defect of mcpool")

        def check(connection: ServerConnection, request: Request) -> Response | None:
            return _check(connection, request, token)

        server = await serve(
            take_in,
            host,
            port,
            process_request=check,
            compression=None,
            ping_interval=PING_EVERY,
            ping_timeout=PONG_WITHIN,
            max_size=LARGEST_MESSAGE,
            server_header="mcpool",
            close_timeout=1.0,
        )
        try:
            address = next(iter(server.sockets)).getsockname()
            yield Listening(address[0], address[1])
        finally:
            server.close(code=1001, reason="the executor ends")
            await server.wait_closed()


def _check(connection: ServerConnection, request: Request, token: str) -> Response | None:
    """Who may come in: nobody without the token, and no page in a browser at all."""
    if "Origin" in request.headers:
        return connection.respond(403, "Pages in browsers are not served here.\n")
    if request.path == READY:
        return connection.respond(200, "ready\n")
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        return connection.respond(401, "Send the token of this executor: `Authorization: Bearer TOKEN`.\n")
    return None


def _limit_buffer(connection: ServerConnection) -> None:
    import socket

    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
