"""A small MCP client for the command line: one conversation with the daemon, one request after another."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any, cast

from mcpool._version import __version__
from mcpool.errors import CallTimeout, DaemonError, McpoolError
from mcpool.gateway.starting import join_or_start
from mcpool.rendezvous import Joined

REVISION = "2025-11-25"


class Refused(McpoolError):
    """The answer was a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Lost(McpoolError):
    """The daemon went away while a request was in flight: it may have run."""


def no_notification(method: str, params: dict[str, Any]) -> None:
    """Ignores what is announced."""


def no_answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Answers no question."""


class Session:
    """Speaks the handshake era with the daemon, as any client does."""

    def __init__(
        self,
        server: str | None,
        *,
        on_notification: Callable[[str, dict[str, Any]], None] = no_notification,
        on_question: Callable[[str, dict[str, Any]], dict[str, Any] | None] = no_answer,
        capabilities: dict[str, Any] | None = None,
    ) -> None:
        """Join the daemon, starting one if none runs. Nothing is asked yet.

        Raises:
            DaemonError: there is none, and none can be started; or it knows no such server.
        """
        self.server = server
        self._on_notification = on_notification
        self._on_question = on_question
        self._capabilities = capabilities or {}
        joined: Joined = join_or_start(os.environ, server=server, cwd=os.getcwd())
        self._sock, rest = joined
        self._pending = bytearray(rest)
        self._last = 0

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self._sock.close()

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Send a request and return its id, for `wait`."""
        self._last += 1
        self._write({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._last

    def begin(self) -> int:
        """Send `initialize`; returns its id."""
        info = {"name": "mcpool-cli", "version": __version__}
        return self.send(
            "initialize", {"protocolVersion": REVISION, "capabilities": self._capabilities, "clientInfo": info}
        )

    def initialized(self) -> None:
        """Say that the answer to `initialize` was understood."""
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method: str, params: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Send a request and wait for its result; see `wait`."""
        return self.wait(self.send(method, params), timeout)

    def wait(self, identifier: int, timeout: float | None = None) -> dict[str, Any]:
        """The result of the request `identifier`, within `timeout` seconds.

        Raises:
            Refused: the answer was an error.
            Lost: the daemon went away.
            CallTimeout: no answer in time; the request was cancelled.
            KeyboardInterrupt: Ctrl-C; the request was cancelled.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                message = self._read(deadline)
                if "method" in message:
                    self._hear(message)
                elif message.get("id") == identifier:
                    if "error" in message:
                        raise Refused(int(message["error"]["code"]), str(message["error"]["message"]))
                    return cast("dict[str, Any]", message["result"])
        except TimeoutError:
            self._cancel(identifier, "no answer in time")
            text = f"no answer within {timeout:g} s; it was told to stop and may have run"
            raise CallTimeout(self.server or "mcpool", text) from None
        except KeyboardInterrupt:
            self._cancel(identifier, "interrupted by the user")
            raise

    def _hear(self, message: dict[str, Any]) -> None:
        method, params = str(message["method"]), cast("dict[str, Any]", message.get("params") or {})
        if "id" not in message:
            self._on_notification(method, params)
            return
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        result: dict[str, Any] | None = {} if method == "ping" else self._on_question(method, params)
        if result is None:
            answer["error"] = {"code": -32601, "message": "nobody is there to answer"}
        else:
            answer["result"] = result
        self._write(answer)

    def _cancel(self, identifier: int, reason: str) -> None:
        params = {"requestId": identifier, "reason": reason}
        self._write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _write(self, message: dict[str, Any]) -> None:
        try:
            self._sock.settimeout(None)
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Lost(f"the mcpool daemon went away: {error.strerror}") from None

    def _read(self, deadline: float | None) -> dict[str, Any]:
        searched = 0
        while (newline := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._sock.settimeout(left)
            try:
                chunk = self._sock.recv(1024 * 1024)
            except ConnectionError:
                chunk = b""
            if not chunk:
                raise Lost("the mcpool daemon went away while the request was in flight: it may or may not have run")
            self._pending += chunk
        line = bytes(self._pending[:newline])
        del self._pending[: newline + 1]
        message = json.loads(line)
        if "bye" in message:
            raise DaemonError(f"the daemon ended this: {message.get('reason') or 'it was stopped'}")
        return message
