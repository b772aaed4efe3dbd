"""One connection on the Unix socket, from its hello to its end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from mcpool._version import __version__
from mcpool.errors import McpoolError
from mcpool.gateway.oversized import ENDS, TOO_LARGE, guess_id
from mcpool.gateway.selection import parse
from mcpool.rendezvous import PROTOCOL, peer_uid

if TYPE_CHECKING:
    from mcpool.gateway.unix_face import Stream, UnixFace

log = logging.getLogger("mcpool.socket")

HELLO_WITHIN = 10.0
"""Seconds that a client may take to introduce itself."""

HELLO_BYTES = 64 * 1024
MESSAGE_BYTES = 65 * 1024 * 1024
"""Longest line of a client: the largest message that the gateway takes, and a little for the envelope."""

BACKLOG_BYTES = 8 * 1024 * 1024
"""What may wait for a client that does not read, before another message makes the connection close."""


class SocketClient(asyncio.Protocol):
    """Joins bytes to lines and hands them to the gateway, or to the daemon's control."""

    def __init__(self, face: UnixFace) -> None:
        self._face = face
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = HELLO_BYTES
        self._greeted = False
        self._stream: Stream | None = None
        self._use = ExitStack()
        self._gone = asyncio.Event()
        self._hello_timer: asyncio.TimerHandle | None = None
        self.is_mcp = False
        self.server: str | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._face.add(self)
        if peer_uid(transport.get_extra_info("socket")) not in (None, os.getuid()):
            log.warning("refused a connection of another user")
            self._transport.abort()
            return
        self._hello_timer = asyncio.get_running_loop().call_later(HELLO_WITHIN, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        *complete, rest = data.split(b"\n")
        for piece in complete:
            line = b"".join([*self._parts, piece]) if self._parts else piece
            oversized = self._size + len(piece) > self._limit
            self._parts, self._size = [], 0
            if oversized:
                self._refuse_long(line)
            elif line.strip():
                self._take(line)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > self._limit:
                self._shorten()

    def _shorten(self) -> None:
        """Of a line that is too long keep only what may name the request: its beginning and its end so far."""
        if not self._greeted:
            self._dismiss_endless()
            return
        self._parts = [self._parts[0][:ENDS], b"".join(self._parts)[-ENDS:]]

    def _dismiss_endless(self) -> None:
        self.dismiss({"bye": "end", "reason": f"a hello has at most {HELLO_BYTES} bytes"})

    def _refuse_long(self, line: bytes) -> None:
        if not self._greeted:
            self._dismiss_endless()
            return
        text = f"the message is longer than {self._limit} bytes; nothing was sent to the server"
        self._say({"jsonrpc": "2.0", "id": guess_id(line), "error": {"code": TOO_LARGE, "message": text}})

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self._face.spawn(self._leave())

    async def _leave(self) -> None:
        try:
            if self._stream is not None:
                await self._stream.close()
        finally:
            self._use.close()
            self._face.discard(self)
            self._gone.set()

    # For the face

    async def gone(self) -> None:
        """Wait until the connection is closed and everything the client held is given back."""
        await self._gone.wait()

    def hang_up(self) -> None:
        """Close the connection once everything written has been sent, or at once if the client does not read."""
        if self._transport is not None:
            if self._transport.get_write_buffer_size():
                self._transport.abort()
            else:
                self._transport.close()

    def dismiss(self, bye: dict[str, object]) -> None:
        """Tell the client why, and close the connection."""
        self._say({"mcpool": PROTOCOL, **bye})
        self.hang_up()

    # The conversation

    def _take(self, line: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if not self._greeted:
            self._greet(line)
        elif self._stream is not None:
            self._stream.on_line(line)
        else:
            self._face.spawn(self._control(line))

    def _greet(self, line: bytes) -> None:
        assert self._hello_timer is not None
        self._hello_timer.cancel()
        problem = self._introduced(line)
        greeting: dict[str, object] = {"mcpool": PROTOCOL, "version": __version__, "ok": problem is None}
        self._say(greeting if problem is None else {**greeting, "error": problem})
        if problem is not None:
            self.hang_up()
            return
        self._greeted = True
        self._limit = MESSAGE_BYTES

    def _introduced(self, line: bytes) -> str | None:
        """Take in whoever says this; returns what is wrong with it, if something is."""
        try:
            hello = cast("dict[str, Any]", json.loads(line))
            protocol = hello["mcpool"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return "this is the socket of an mcpool daemon; use `mcpool connect` to speak MCP with it"
        if protocol != PROTOCOL:
            return (
                f"the running daemon is mcpool {__version__} and speaks protocol {PROTOCOL}, you are mcpool "
                f"{hello.get('version')} with protocol {protocol}; run `mcpool stop`, and the next client starts the "
                "right one"
            )
        kind, server, cwd = hello.get("kind"), hello.get("server"), hello.get("cwd")
        if kind == "control":
            return None
        if kind != "mcp" or not isinstance(server, str | None) or not isinstance(cwd, str) or not os.path.isabs(cwd):
            return "a hello says `kind` (mcp or control), `server` (a name or null) and `cwd` (an absolute path)"
        try:
            selection = parse(server)
        except ValueError as error:
            return str(error)
        for name in selection.only or ():
            refused = self._face.services.refusal(name, cwd)
            if refused is not None:
                return refused
        self.is_mcp, self.server = True, selection.server
        self._use.enter_context(self._face.connected())
        self._stream = self._face.services.open_stream(
            route=selection.text, whole=hello.get("whole") is True, cwd=cwd, write=self._write, backlog=self._backlog
        )
        return None

    def _backlog(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._backlog() > BACKLOG_BYTES:
            log.warning(
                "a client of %s does not read its answers; closing its connection", self.server or "all servers"
            )
            transport.abort()
            return
        transport.write(data)

    def _say(self, message: dict[str, object]) -> None:
        self._write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def _control(self, line: bytes) -> None:
        try:
            request = cast("dict[str, Any]", json.loads(line))
            identifier, method = request["id"], request["method"]
            params = dict(request.get("params") or {})
        except (ValueError, KeyError, TypeError, RecursionError):
            self._say({"id": None, "error": 'a control request is {"id": ..., "method": ..., "params": {...}}'})
            return
        try:
            self._say({"id": identifier, "result": await self._face.services.control(str(method), params)})
        except McpoolError as error:
            self._say({"id": identifier, "error": str(error)})
        except Exception:
            log.exception("the control request `%s` failed; this is a defect of mcpool", method)
            self._say({"id": identifier, "error": f"`{method}` failed; this is a defect of mcpool: see its log"})
