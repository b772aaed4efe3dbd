"""Where the daemon of a home is found, and how one joins it. Standard library only: the shim imports this."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Mapping
from typing import Literal, NamedTuple

from mcpool._version import __version__
from mcpool.errors import DaemonError

PROTOCOL = 1
"""Both sides of the socket must agree on this number; their versions may differ."""

SOCKET_PATH_LIMIT = 100
"""Bytes. The kernel takes 108 on Linux and 104 on macOS."""

HELLO_TIMEOUT = 30.0
"""Seconds that a daemon may take to answer a hello."""

_HELLO_LIMIT = 64 * 1024

Kind = Literal["mcp", "control"]


class NoDaemon(DaemonError):
    """No daemon listens for this home."""


class Refused(DaemonError):
    """The daemon does not serve what was asked for."""


class Joined(NamedTuple):
    """A connection past its hello. `rest` is what the daemon wrote after its answer."""

    sock: socket.socket
    rest: bytes


def home_path(environ: Mapping[str, str]) -> str:
    """The home folder: `$MCPOOL_HOME`, or `~/.mcpool`. It may not exist yet."""
    chosen = environ.get("MCPOOL_HOME") or "~/.mcpool"
    if chosen == "~" or chosen.startswith("~/"):
        chosen = (environ.get("HOME") or os.path.expanduser("~")) + chosen[1:]
    return os.path.abspath(chosen)


def socket_path(home: str) -> str:
    """Where the daemon of `home` listens: inside it, or under `/tmp` where that path would be too long for a socket."""
    path = os.path.join(home, "daemon.sock")
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    import hashlib

    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:32]
    return f"/tmp/mcpool-{os.getuid()}/{name}.sock"


def check_socket_folder(path: str) -> None:
    """Refuse a socket whose folder others can write to: whoever can, could pose as the daemon.

    Raises:
        NoDaemon: the folder does not exist.
        DaemonError: it belongs to somebody else, or others may enter it.
    """
    folder = os.path.dirname(path)
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        raise NoDaemon(f"no mcpool daemon listens on {path}: {folder} does not exist") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise DaemonError(f"{folder} must be a folder of your own, since whoever owns it can pose as the daemon")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise DaemonError(f"others may write to {folder}, so they could pose as the daemon; run `chmod 700 {folder}`")


def peer_uid(sock: socket.socket) -> int | None:
    """User id of the process at the other end of a Unix socket; None where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    import sys

    credentials = sock.getsockopt(socket.SOL_SOCKET, option, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def hello(kind: Kind, server: str | None, cwd: str, *, whole: bool = False) -> bytes:
    """The line with which a client introduces itself."""
    fields = {"mcpool": PROTOCOL, "version": __version__, "kind": kind, "server": server, "cwd": cwd, "whole": whole}
    return json.dumps({**fields, "pid": os.getpid()}).encode() + b"\n"


def join(
    home: str,
    *,
    kind: Kind = "mcp",
    server: str | None = None,
    whole: bool = False,
    cwd: str,
    timeout: float = HELLO_TIMEOUT,
) -> Joined:
    """Connect to the running daemon of `home` and introduce ourselves. The socket is returned in blocking mode.

    With `whole` it offers all that there is, whatever the configuration says of clients of the socket.

    Raises:
        NoDaemon: none listens.
        Refused: it knows no such server.
        DaemonError: it does not answer within `timeout` seconds, or speaks another protocol.
    """
    path = socket_path(home)
    check_socket_folder(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        try:
            sock.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            what = f"no mcpool daemon listens on {path} ({error.strerror}); `mcpool up` starts one"
            raise NoDaemon(what) from None
        if peer_uid(sock) not in (None, os.getuid()):
            raise DaemonError(f"the process that listens on {path} belongs to another user; not trusting it")
        rest = _introduce(sock, path, hello(kind, server, cwd, whole=whole), timeout)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return Joined(sock, rest)


def _introduce(sock: socket.socket, path: str, line: bytes, timeout: float) -> bytes:
    answer = b""
    try:
        sock.sendall(line)
        while b"\n" not in answer:
            chunk = sock.recv(_HELLO_LIMIT)
            if not chunk:
                # A daemon that is on its way out accepts no more clients: to us it is no longer there.
                raise NoDaemon(f"the mcpool daemon on {path} closed the connection while it was greeted")
            answer += chunk
            if len(answer) > _HELLO_LIMIT:
                raise DaemonError(f"whatever listens on {path} is no mcpool daemon: its greeting does not end")
    except TimeoutError:
        raise DaemonError(
            f"the mcpool daemon on {path} did not answer within {timeout:.0f} s; "
            "`mcpool status` tells its pid; if it hangs, end that process and try again"
        ) from None
    except (BrokenPipeError, ConnectionResetError):
        raise NoDaemon(f"the mcpool daemon on {path} closed the connection while it was greeted") from None
    first, _, rest = answer.partition(b"\n")
    _check_greeting(first, path)
    return rest


def _check_greeting(line: bytes, path: str) -> None:
    try:
        greeting = json.loads(line)
        protocol, ok = greeting["mcpool"], greeting["ok"]
    except (ValueError, KeyError, TypeError):
        raise DaemonError(f"whatever listens on {path} is no mcpool daemon: it said {line[:80]!r}") from None
    if protocol != PROTOCOL:
        raise DaemonError(
            f"the running daemon is mcpool {greeting.get('version')} and speaks protocol {protocol}, this is mcpool "
            f"{__version__} with protocol {PROTOCOL}; run `mcpool stop`, and the next client starts the right one"
        )
    if not ok:
        raise Refused(str(greeting.get("error") or "the daemon refused the connection and gave no reason"))
