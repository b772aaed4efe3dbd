"""Starting the daemon of a home, once, however many want it at the same time. Standard library only.

Whoever starts a daemon holds `start.lock` until it is ready. The lock is handed to the daemon as an open file, so it
stays taken when the starter is killed half-way. Others wait for the lock and then find the daemon running.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mcpool.errors import DaemonError
from mcpool.rendezvous import Joined, Kind, NoDaemon, home_path, join

START_TIMEOUT = 30.0
"""Seconds within which a daemon must be ready."""

LOG_LIMIT = 5 * 1024 * 1024
"""Bytes of the daemon's log beyond which the next daemon begins another; the last one is kept."""

READY_FD = 3
LOCK_FD = 4
"""Numbers under which the daemon finds the ready pipe and the start lock."""

# What a daemon may know of its starter's environment. Servers never see more than the daemon does, and which client
# happens to start it must make no difference to them.
_PASSED_ON = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "__CF_USER_TEXT_ENCODING"),
    }
)

_LOCK_POLL = 0.02


def daemon_environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """The environment a daemon is started with: what belongs to the user, nothing that belongs to the starter."""
    passed = {name: value for name, value in environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    return {**passed, "MCPOOL_HOME": home}


def log_path(home: str) -> str:
    """Where a detached daemon writes."""
    return os.path.join(home, "logs", "daemon.log")


class StartLock:
    """`start.lock`, held: nobody else starts a daemon of this home. Use it with `with`."""

    def __init__(self, home: str, timeout: float = START_TIMEOUT) -> None:
        """Take it, waiting for whoever holds it.

        Raises:
            DaemonError: somebody else held it for `timeout` seconds.
        """
        os.makedirs(home, mode=0o700, exist_ok=True)
        self.fd = os.open(os.path.join(home, "start.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait(home, timeout)
        except BaseException:
            self.close()
            raise

    def _wait(self, home: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DaemonError(
                        f"another process has been starting the daemon for {timeout:.0f} s; see {log_path(home)}"
                    ) from None
                time.sleep(_LOCK_POLL)
            else:
                return

    def __enter__(self) -> StartLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it. Safe to call twice. A daemon that was handed it keeps it until it is ready."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def join_or_start(
    environ: Mapping[str, str],
    *,
    kind: Kind = "mcp",
    server: str | None = None,
    whole: bool = False,
    cwd: str,
    timeout: float = START_TIMEOUT,
    command: Sequence[str] | None = None,
) -> Joined:
    """Join the daemon of the home in `environ`; if none runs, start one first. `command` replaces the daemon's own.
    The others are those of `join`.

    Raises:
        DaemonError: it could not be started within `timeout` seconds (the message names the log), or refuses us.
    """
    home = home_path(environ)
    try:
        return join(home, kind=kind, server=server, whole=whole, cwd=cwd)
    except NoDaemon:
        pass
    with StartLock(home, timeout) as lock:
        try:
            return join(home, kind=kind, server=server, whole=whole, cwd=cwd)
        except NoDaemon:
            start(environ, lock=lock.fd, timeout=timeout, command=command)
    return join(home, kind=kind, server=server, whole=whole, cwd=cwd)


def start(
    environ: Mapping[str, str],
    *,
    lock: int,
    arguments: Sequence[str] = (),
    timeout: float = START_TIMEOUT,
    command: Sequence[str] | None = None,
) -> None:
    """Start a detached daemon and wait until it is ready. The caller holds the start lock, open as `lock`.

    Raises:
        DaemonError: it ended, said why it can't, or was not ready within `timeout` seconds.
    """
    home = home_path(environ)
    log = log_path(home)
    os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
    ready, ready_child = os.pipe()
    log_fd = _open_log(log)
    try:
        try:
            _spawn(environ, home, [*(command or _command()), *arguments], log_fd, ready_child, lock)
        finally:
            os.close(log_fd)
            os.close(ready_child)
        _await_ready(ready, log, timeout)
    finally:
        os.close(ready)


def _open_log(path: str) -> int:
    with suppress(FileNotFoundError):
        if os.path.getsize(path) > LOG_LIMIT:
            os.replace(path, f"{path}.1")
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _command() -> list[str]:
    # -P: a file in the daemon's folder must not shadow a module.
    return [sys.executable, "-P", "-m", "mcpool", "up", "--background"]


def _spawn(environ: Mapping[str, str], home: str, argv: list[str], log: int, ready: int, lock: int) -> None:
    # Through numbers that are surely free: a file action must not overwrite a source that a later one needs.
    ready, lock = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (ready, lock))
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            daemon_environment(environ, home),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
                (os.POSIX_SPAWN_DUP2, ready, READY_FD),
                (os.POSIX_SPAWN_DUP2, lock, LOCK_FD),
            ],
            setsid=True,
            setsigmask=[],
        )
    finally:
        for fd in (null, ready, lock):
            os.close(fd)
    # The process forks itself away at once and so never becomes a child, or a zombie, of ours.
    with suppress(ChildProcessError):  # Whoever ignores SIGCHLD has its children reaped for it.
        os.waitpid(pid, 0)


def _await_ready(ready: int, log: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    said = b""
    while b"\n" not in said:
        readable, _, _ = select.select([ready], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise DaemonError(f"the mcpool daemon was not ready within {timeout:.0f} s; see {log}")
        chunk = os.read(ready, 65536)
        if not chunk:
            raise DaemonError(f"the mcpool daemon ended while it was starting{_last_words(log)}; see {log}")
        said += chunk
    report = json.loads(said.partition(b"\n")[0])
    if not report["ok"]:
        raise DaemonError(report["error"])


def _last_words(log: str) -> str:
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.path.getsize(log) - 4096))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return f": {lines[-1]}" if lines else ""


def report_ready(error: str | None = None) -> None:
    """In the daemon: tell the starter that we are ready, or why not, and give up the start lock. Once only."""
    report = {"ok": error is None, "error": error}
    with suppress(BrokenPipeError):  # The starter may be gone; whoever comes next finds us running.
        os.write(READY_FD, json.dumps(report).encode() + b"\n")
    os.close(READY_FD)
    fcntl.flock(LOCK_FD, fcntl.LOCK_UN)
    os.close(LOCK_FD)
