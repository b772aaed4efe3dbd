"""The TCP port on loopback, and who has it if we can't."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from mcpool.errors import DaemonError

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


def bind_loopback(port: int) -> socket.socket:
    """A socket bound to `port` on loopback; 0 takes any free one.

    Raises:
        DaemonError: the port is taken (the message says by whom, where the system tells), or not ours to take.
    """
    # asyncio turns TCP's delays off only where the protocol is named; an answer of two writes would wait 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        # Bound is not taken: with SO_REUSEADDR another may bind as well until one of the two listens.
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise DaemonError(_why(port, error)) from None
    return sock


def _why(port: int, error: OSError) -> str:
    remedy = (
        "give mcpool another with `mcpool up --port N`, or for good with `port = N` under `[daemon]` in config.toml"
    )
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {LOOPBACK} is taken by {holder_of(port) or 'another process'}; end that, or {remedy}"
    return f"port {port} on {LOOPBACK} can't be used: {error.strerror}; {remedy}"


def holder_of(port: int, proc: Path = Path("/proc")) -> str | None:
    """Who listens on a port of this machine, as `pid 17 (python -m http.server)`; None if the system does not tell."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(proc / "net" / table, port)}
    if not inodes:
        return None
    links = {f"socket:[{inode}]" for inode in inodes}
    for process in proc.iterdir():
        if process.name.isdecimal() and _holds(process, links):
            return f"pid {process.name} ({_command(process)})"
    return "a process of another user"


def _listening(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    suffix = f":{port:04X}"
    return [row[9] for row in rows if row[1].endswith(suffix) and row[3] == _LISTEN]


def _holds(process: Path, links: set[str]) -> bool:
    try:
        return any(os.readlink(fd) in links for fd in (process / "fd").iterdir())
    except OSError:
        return False


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "unknown"
    text = b" ".join(words).decode("utf-8", "replace")
    return text if len(text) <= 80 else f"{text[:77]}..."
