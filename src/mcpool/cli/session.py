"""A small MCP client for the command line: one conversation with the daemon, one request after another."""

from __future__ import annotations

import json
import os
import select
import time
from collections import deque
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


class Withdrawn(McpoolError):
    """Nobody waits any more for the answer to what is being asked."""


def no_notification(method: str, params: dict[str, Any]) -> None:
    """Ignores what is announced."""


def no_answer(session: Session, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Answers no question."""


class Session:
    """Speaks the handshake era with the daemon, as any client does."""

    def __init__(
        self,
        server: str | None,
        *,
        on_notification: Callable[[str, dict[str, Any]], None] = no_notification,
        on_question: Callable[[Session, str, dict[str, Any]], dict[str, Any] | None] = no_answer,
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
        joined: Joined = join_or_start(os.environ, server=server, whole=True, cwd=os.getcwd())
        self._sock, rest = joined
        self._pending = bytearray(rest)
        self._searched = 0
        self._later: deque[dict[str, Any]] = deque()
        """What came while a question was asked."""
        self._asking: object = None
        """The id of that question."""
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
        self._asking = message["id"]
        try:
            result: dict[str, Any] | None = {} if method == "ping" else self._on_question(self, method, params)
        except Withdrawn:
            return
        finally:
            self._asking = None
        if result is None:
            answer["error"] = {"code": -32601, "message": "nobody is there to answer"}
        else:
            answer["result"] = result
        self._write(answer)

    def until_readable(self, descriptor: int) -> None:
        """For who answers a question: wait for something to read there, and listen to the daemon meanwhile.

        Raises:
            Withdrawn: the question is over: it was not answered in time, or what caused it has ended.
            Lost: the daemon went away.
        """
        while True:
            while (line := self._line()) is not None:
                self._consider(_message(line))
            readable, _, _ = select.select([descriptor, self._sock], [], [])
            if self._sock in readable:
                self._receive()
            elif readable:
                return

    def _consider(self, message: dict[str, Any]) -> None:
        if message.get("method") == "notifications/cancelled":
            asked = cast("dict[str, Any]", message.get("params") or {}).get("requestId")
            if asked == self._asking:
                raise Withdrawn("the question was withdrawn")
            self._later = deque(other for other in self._later if other.get("id") != asked or "method" not in other)
            return
        self._later.append(message)
        if "method" not in message:
            raise Withdrawn("what this was asked for has ended")

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
        if self._later:
            return self._later.popleft()
        while (line := self._line()) is None:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._sock.settimeout(left)
            self._receive()
        return _message(line)

    def _receive(self) -> None:
        try:
            chunk = self._sock.recv(1024 * 1024)
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise Lost("the mcpool daemon went away while the request was in flight: it may or may not have run")
        self._pending += chunk

    def _line(self) -> bytes | None:
        """The next whole line of what was received."""
        newline = self._pending.find(b"\n", self._searched)
        if newline < 0:
            self._searched = len(self._pending)
            return None
        line = bytes(self._pending[:newline])
        del self._pending[: newline + 1]
        self._searched = 0
        return line


def _message(line: bytes) -> dict[str, Any]:
    message = cast("dict[str, Any]", json.loads(line))
    if "bye" in message:
        raise DaemonError(f"the daemon ended this: {message.get('reason') or 'it was stopped'}")
    return message
