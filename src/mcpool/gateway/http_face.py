"""The TCP face: uvicorn in this process and on this event loop, on a socket that is already bound."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from mcpool.errors import DaemonError
from mcpool.gateway.joined_head import JoinedHead

_GRACE = 2
"""Seconds for answers that are being written when the daemon stops."""


@asynccontextmanager
async def http_face(app: Any, sock: socket.socket) -> AsyncGenerator[None]:
    """Serve the ASGI application `app` on `sock` during the block.

    Raises:
        DaemonError: the packages that it needs are not installed.
    """
    ready = asyncio.get_running_loop().create_future()
    server = _server(app, ready)
    serving = asyncio.create_task(server.serve(sockets=[sock]), name="http")
    try:
        await asyncio.wait([serving, ready], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
            raise DaemonError("the HTTP server ended as soon as it was started")
        yield
    finally:
        server.should_exit = True
        await asyncio.shield(asyncio.wait([serving]))
        sock.close()


def _server(app: Any, ready: asyncio.Future[None]) -> Any:
    from contextlib import nullcontext

    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(cast("Any", JoinedHead(transport, lambda: self.cycle)))

    class Server(uvicorn.Server):
        def capture_signals(self) -> Any:
            # Signals are the daemon's.
            return nullcontext()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set_result(None)

    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
    )
