"""WebSockets to executors, by the `websockets` package, which is imported with the first of them."""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcpool.environments.protocol import LARGEST_MESSAGE
from mcpool.environments.socket import Dial, WentAway
from mcpool.wire.http import proxy_for

if TYPE_CHECKING:
    from websockets.asyncio.connection import Connection

PING_EVERY = 10.0
PONG_WITHIN = 15.0
"""Seconds after which a silent peer is looked for, and after which one that does not answer is lost."""
CLOSING = 1.0
_GOING_AWAY = 1001


class WebSocket:
    """A `Socket`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, message: bytes) -> None:
        """Send one message (`Socket.send`)."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(message, text=True)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> bytes:
        """The next message (`Socket.receive`)."""
        from websockets.exceptions import ConnectionClosed

        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def close(self) -> None:
        """Close it (`Socket.close`)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._connection.close()
        self._connection.transport.abort()


def dial(url: str, headers: Mapping[str, str], environ: Mapping[str, str], *, timeout: float) -> Dial:
    """What opens sockets to this URL, with these headers; through the proxy that `environ` names, if it does.

    `timeout` is in seconds.
    """
    parts = urlsplit(url)
    proxy = proxy_for(parts._replace(scheme="https" if parts.scheme == "wss" else "http").geturl(), environ)

    async def open_socket() -> WebSocket:
        await asyncio.to_thread(load)
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

        try:
            connection = await connect(
                url,
                additional_headers=headers,
                proxy=proxy,
                compression=None,
                open_timeout=timeout,
                ping_interval=PING_EVERY,
                ping_timeout=PONG_WITHIN,
                close_timeout=CLOSING,
                max_size=LARGEST_MESSAGE,
                user_agent_header="mcpool",
            )
        except InvalidStatus as error:
            raise ConnectionError(_refused(url, error.response.status_code)) from None
        except (InvalidHandshake, InvalidURI) as error:
            raise ConnectionError(f"{shown(url)} does not speak WebSocket: {error}") from None
        except TimeoutError:
            raise TimeoutError(errno.ETIMEDOUT, f"{shown(url)} did not answer within {timeout:g} s") from None
        except OSError as error:
            raise ConnectionError(f"{shown(url)} can't be reached: {reason(error)}") from None
        return WebSocket(connection)

    return open_socket


def load() -> None:
    """Get ready what sockets need: some tens of milliseconds, the first time."""
    importlib.import_module("websockets.asyncio.client")


def shown(url: str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port is not None else "")


def reason(error: OSError) -> str:
    """What the system says of it, in its own words."""
    return os.strerror(error.errno) if error.errno else str(error)


def _refused(url: str, status: int) -> str:
    if status in (401, 403):
        return f"{shown(url)} refused us with {status}; give the right `token` for the environment"
    return f"{shown(url)} answered with {status}, so it is no executor, or not at this path"


def _lost(closed: Exception) -> ConnectionError:
    from websockets.exceptions import ConnectionClosed

    assert isinstance(closed, ConnectionClosed)
    if closed.rcvd is not None and closed.rcvd.code == _GOING_AWAY:
        return WentAway(f"the executor ended ({closed.rcvd.reason or 'going away'})")
    if closed.rcvd is not None:
        return ConnectionError(f"the executor closed it with {closed.rcvd.code} {closed.rcvd.reason}".rstrip())
    return ConnectionError(str(closed) or "the socket is gone")
