"""mcpool for FastMCP's client, and for all that is built on it (`pip install "mcpool[fastmcp]"`).

::

    async with mcpool.open("mcp.json") as host, Client(McpoolTransport(host)) as client:
        await client.call_tool("server__tool", {})

Any number of clients share the processes. A client is to mcpool what a client of the gateway is, without the network: a
thread of the host, whose calls go to the present process of a server, and which approves calls by itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Unpack

import anyio
from fastmcp.client.transports.base import ClientTransport, SessionKwargs, TransportOptions
from mcp import ClientSession
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from mcpool._version import __version__
from mcpool.errors import ServerNotFound
from mcpool.gateway.app import Gateway
from mcpool.gateway.stream_client import StreamClient
from mcpool.host.host import Host

if TYPE_CHECKING:
    from mcp.shared.memory import MessageStream


class _NoTokens:
    """Nobody comes in over the network."""

    def principal_of(self, token: str) -> str | None:
        return None

    def revoked(self) -> frozenset[str]:
        return frozenset()


class McpoolTransport(ClientTransport):
    """The servers of a host as one (`server__tool`), or one of them as it is. It may serve any number of clients."""

    def __init__(
        self,
        host: Host,
        server: str | None = None,
        *,
        cwd: str | os.PathLike[str] | None = None,
        principal: str = "",
    ) -> None:
        """`cwd` and `principal` are as in `Host.thread`."""
        self._host = host
        self._server = server
        self._cwd = os.path.abspath(cwd or os.getcwd())
        self._principal = principal

    def __repr__(self) -> str:
        return f"<McpoolTransport {self._server or 'of all servers'} of {self._host!r}>"

    @asynccontextmanager
    async def connect_session(
        self, *, transport_options: TransportOptions | None = None, **session_kwargs: Unpack[SessionKwargs]
    ) -> AsyncGenerator[ClientSession]:
        """A session with the host's servers.

        Raises:
            ServerNotFound: there is no enabled server of this name.
        """
        names = [server.name for server in self._host.servers if server.enabled]
        if self._server is not None and self._server not in names:
            known = ", ".join(names) or "none"
            raise ServerNotFound(self._server, f"no enabled server has this name; there are: {known}")
        options = transport_options or TransportOptions()
        gateway = Gateway(self._host, key=secrets.token_bytes(32), tokens=_NoTokens(), version=__version__)
        said: asyncio.Queue[bytes] = asyncio.Queue()
        client = StreamClient(
            gateway, route=self._server, cwd=self._cwd, principal=self._principal, write=said.put_nowait
        )
        try:
            async with (
                create_client_server_memory_streams() as ((read, write), ours),
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(_take, ours, client)
                tasks.start_soon(_tell, said, ours)
                async with options.session_class(read_stream=read, write_stream=write, **session_kwargs) as session:
                    yield session
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):  # who is cancelled in one would let go of nothing
                await client.close()
                await gateway.close()


async def _take(streams: MessageStream, client: StreamClient) -> None:
    async for message in streams[0]:
        if isinstance(message, SessionMessage):
            client.on_line(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode())


async def _tell(said: asyncio.Queue[bytes], streams: MessageStream) -> None:
    while True:
        line = await said.get()
        await streams[1].send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
