"""The shim as a client meets it, and a daemon whose end of the socket the test plays line by line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMEOUT = 20.0


class Conversation:
    """One accepted connection, past its hello."""

    def __init__(self, sock: socket.socket, *, greeting: dict[str, Any] | None = None) -> None:
        sock.settimeout(TIMEOUT)
        self.sock = sock
        self._file = sock.makefile("rb")
        self.hello: dict[str, Any] = json.loads(self._file.readline())
        self.send(greeting or {"mcpool": 1, "version": "0", "ok": True})

    def send(self, message: dict[str, Any]) -> None:
        self.sock.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        return json.loads(self._file.readline())

    def answer(self, request: dict[str, Any], result: dict[str, Any]) -> None:
        self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def at_end(self) -> bool:
        return self._file.readline() == b""

    def close(self) -> None:
        self._file.close()
        self.sock.close()


class FakeDaemon:
    """Listens where the daemon of `home` would."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(TIMEOUT)
        self._listener.bind(str(home / "daemon.sock"))
        self._listener.listen(8)
        self._conversations: list[Conversation] = []

    def accept(self, **greeting: Any) -> Conversation:
        sock, _ = self._listener.accept()
        self._conversations.append(conversation := Conversation(sock, greeting=greeting or None))
        return conversation

    def close(self) -> None:
        self._listener.close()
        for conversation in self._conversations:
            conversation.close()


class Shim:
    """A real `mcpool connect`, and the client that started it."""

    def __init__(self, home: Path, *arguments: str, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcpool", "connect", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "MCPOOL_HOME": str(home)},
            cwd=cwd,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr

    def send(self, message: dict[str, Any]) -> None:
        self.stdin.write(json.dumps(message).encode() + b"\n")
        self.stdin.flush()

    def request(self, identifier: object, method: str, **params: Any) -> None:
        self.send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})

    def receive(self) -> dict[str, Any]:
        return json.loads(self.stdout.readline())

    def finish(self) -> int:
        """Close stdin, as a client does that has had enough; returns the exit code."""
        self.stdin.close()
        return self.process.wait(TIMEOUT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT)
        for file in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):
                file.close()
