"""`python -m conformance.everything [--handshake | --http SOCKET_FD]`: on stdin and stdout, or over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import socket

from mcp.server.lowlevel import NotificationOptions
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server

from conformance.everything.events import Events
from conformance.everything.server import build


async def _on_stdio(*, handshake_only: bool) -> None:
    server = build()
    changes = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
    options = server.create_initialization_options(changes)
    async with stdio_server() as (read, write):
        if not handshake_only:
            await server.run(read, write, options)
            return
        async with server.lifespan(server) as state:
            await serve_loop(server, read, write, lifespan_state=state, init_options=options)


async def _over_http(sock: socket.socket) -> None:
    import uvicorn

    app = build().streamable_http_app(event_store=Events(), retry_interval=100)
    # h11 takes the blanks around header values away, as HTTP demands; httptools leaves those at the end.
    config = uvicorn.Config(app, http="h11", log_level="warning", timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve([sock])


def main() -> None:
    """Serve until the input ends, or for ever."""
    parser = argparse.ArgumentParser(prog="everything")
    parser.add_argument("--handshake", action="store_true", help="speak the handshake era only")
    parser.add_argument("--http", type=int, metavar="FD", help="serve HTTP on this listening socket")
    arguments = parser.parse_args()
    if arguments.http is None:
        asyncio.run(_on_stdio(handshake_only=arguments.handshake))
    else:
        asyncio.run(_over_http(socket.socket(fileno=arguments.http)))


if __name__ == "__main__":
    main()
