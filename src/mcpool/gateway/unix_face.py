"""The Unix socket: MCP clients (shims, this library attached) and control, a line of JSON per message."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from mcpool.errors import DaemonError
from mcpool.gateway.socket_client import SocketClient
from mcpool.rendezvous import check_socket_folder

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Stream(Protocol):
    """One MCP client's end in the gateway."""

    def on_line(self, line: bytes) -> None:
        """A message of the client, without its newline."""
        ...

    async def close(self) -> None:
        """The client is gone: cancel its calls and give back what it holds."""
        ...


class Services(Protocol):
    """What the daemon offers to whoever connects."""

    def refusal(self, server: str, cwd: str | None = None) -> str | None:
        """Why a client can't have this server; None if it can."""
        ...

    def open_stream(
        self, *, route: str | None, whole: bool, cwd: str, write: Callable[[bytes], None], backlog: Callable[[], int]
    ) -> Stream:
        """Take in an MCP client; `write` sends it bytes, `backlog` tells how many of them it has not read yet.

        With `whole` it is offered all that its route has, whatever the configuration says of such clients.
        """
        ...

    async def control(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Carry out a control request.

        Raises:
            McpoolError: it can't be done, with a message for the user.
        """
        ...


class UnixFace:
    """Everybody who is connected to the socket."""

    def __init__(self, services: Services, spawn: Spawn, connected: Callable[[], Any]) -> None:
        """`connected` gives a context manager that lasts as long as an MCP client does."""
        self.services = services
        self.spawn = spawn
        self.connected = connected
        self._clients: set[SocketClient] = set()

    @property
    def clients(self) -> int:
        """How many MCP clients are connected."""
        return sum(client.is_mcp for client in self._clients)

    def add(self, client: SocketClient) -> None:
        """A client has connected."""
        self._clients.add(client)

    def discard(self, client: SocketClient) -> None:
        """It is gone."""
        self._clients.discard(client)

    def dismiss(self, bye: dict[str, object], among: Callable[[str | None], bool] = lambda server: True) -> None:
        """Say goodbye to the MCP clients of the servers that `among` accepts, and close their connections."""
        for client in tuple(self._clients):
            if client.is_mcp and among(client.server):
                client.dismiss(bye)

    async def close(self) -> None:
        """Close what is still open, and wait until every client is taken leave of."""
        for client in tuple(self._clients):
            client.hang_up()
        for client in tuple(self._clients):
            await client.gone()


@asynccontextmanager
async def listening(path: str, face: UnixFace) -> AsyncGenerator[None]:
    """Accept clients on the socket at `path` during the block. The caller holds the lock of the home.

    Raises:
        DaemonError: the socket can't be made.
    """
    sock = _bind(path)
    own = _inode(path)
    server = await asyncio.get_running_loop().create_unix_server(lambda: SocketClient(face), sock=sock, backlog=1024)
    try:
        yield
    finally:
        # Should somebody have put another in its place, that one is not ours to remove.
        if _inode(path) == own:
            _remove(path)
        server.close()
        await face.close()


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _bind(path: str) -> socket.socket:
    with suppress(FileExistsError):
        Path(path).parent.mkdir(mode=0o700)
    check_socket_folder(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The lock is ours, so whoever left this behind is gone.
        _remove(path)
        sock.bind(path)
        Path(path).chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        sock.close()
        raise DaemonError(f"the socket {path} can't be made: {error.strerror or error}") from None
    return sock
