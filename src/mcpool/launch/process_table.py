"""The processes of this machine, and which of them belong to one host or server.

Standard library only and sparing with imports: the warden, a tiny process of its own, runs this too.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

HOST_COOKIE = "MCPOOL_HOST"
"""Environment variable naming the host that a process descends from: `<home id>.<random>`."""
SERVER_COOKIE = "MCPOOL_SERVER"
"""Environment variable naming the one server process that a process descends from."""


_KERNEL_THREAD = 0x00200000


class ProcessRow:
    """One process as it was when looked at. `started` tells it from another that got its number later."""

    __slots__ = ("environ", "group", "parent", "pid", "session", "started")

    def __init__(
        self, pid: int, parent: int, group: int, session: int, started: int, environ: tuple[bytes, ...] | None
    ) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.session = session
        self.started = started
        self.environ = environ
        """`NAME=value` pairs; None if it can't be read now, as for a moment while a program is being replaced."""

    def __repr__(self) -> str:
        return f"<ProcessRow {self.pid} of group {self.group}, session {self.session}>"

    @property
    def key(self) -> tuple[int, int]:
        """What stays the same as long as it is the same process."""
        return self.pid, self.started

    def carries(self, variable: str, value: str) -> bool:
        """Whether this process was started with exactly that variable and value."""
        return self.environ is not None and f"{variable}={value}".encode() in self.environ

    def value(self, variable: str) -> str | None:
        """The value that this process was started with, None if it has no such variable."""
        prefix = f"{variable}=".encode()
        for pair in self.environ or ():
            if pair.startswith(prefix):
                return pair[len(prefix) :].decode(errors="replace")
        return None


def members(
    rows: Iterable[ProcessRow], marked: Callable[[ProcessRow], bool], groups: Collection[int]
) -> list[ProcessRow]:
    """Those of `rows` that descend from what we started.

    1. It carries the mark in its environment.
    2. It is in a group or session of `groups`: these survive an environment that was cleared or overwritten.
    3. It is in a session led by a process of 1. A session is only ever inherited, so all in it descend from its leader;
       that a mere member carries the mark says nothing (an editor hands a client's environment to its own children).
    """
    rows = list(rows)
    leaders = {row.pid for row in rows if row.session == row.pid and marked(row)}
    return [
        row for row in rows if marked(row) or row.group in groups or row.session in groups or row.session in leaders
    ]


def scan(*, since: int = 0) -> Iterator[ProcessRow]:
    """All living processes of this user that started at `since` (a `started` of another) or later.

    Zombies are not alive; this process itself is left out.
    """
    return (row for row in scan_stepwise(since=since) if row is not None)


def scan_stepwise(*, since: int = 0) -> Iterator[ProcessRow | None]:
    """The same, with a None for each process that is left out: a caller can pause after any number of steps."""
    return _scan_proc(since) if sys.platform == "linux" else _scan_ps()


def look(pid: int) -> ProcessRow | None:
    """One process, whoever owns it, without its environment; None if there is no such living process."""
    if sys.platform == "linux":
        return _read_stat(pid)
    return next((row for row in _scan_ps() if row.pid == pid), None)


def send_signal(row: ProcessRow, number: int) -> bool:
    """Signal exactly this process: never another that got its number meanwhile. False if it is gone or not ours."""
    import signal  # Costs memory that the warden needs only at its end.

    try:
        handle = os.pidfd_open(row.pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):
        return _signal_by_number(row, number)
    try:
        # The handle now pins whoever has the number; if that is the process we saw, nobody else can be hit.
        now = look(row.pid)
        if now is None or now.started != row.started:
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)


def _signal_by_number(row: ProcessRow, number: int) -> bool:
    now = look(row.pid)
    if now is None or now.started != row.started:
        return False
    try:
        os.kill(row.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _scan_proc(since: int) -> Iterator[ProcessRow | None]:
    user, own = os.geteuid(), os.getpid()
    for name in os.listdir("/proc"):
        yield _of_user(int(name), user, since) if name.isdigit() and int(name) != own else None


def _of_user(pid: int, user: int, since: int) -> ProcessRow | None:
    try:
        if os.stat(f"/proc/{pid}").st_uid != user:
            return None
    except OSError:
        return None
    row = _read_stat(pid)
    if row is None or row.started < since:
        return None
    environ = _read(f"/proc/{pid}/environ")
    row.environ = tuple(environ.split(b"\0")) if environ else None
    return row


def _read_stat(pid: int) -> ProcessRow | None:
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    # The name of the program stands in parentheses and may hold anything, parentheses included.
    fields = text[text.rindex(b")") + 2 :].split()
    if fields[0] == b"X" or (fields[0] == b"Z" and fields[17] in (b"0", b"1")):
        # A zombie with more than one thread has lost its first one only: it lives.
        return None
    if int(fields[6]) & _KERNEL_THREAD:
        return None
    return ProcessRow(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), None)


def _read(path: str) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        chunks: list[bytes] = []
        while chunk := os.read(handle, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:
        return None
    finally:
        os.close(handle)


def _scan_ps() -> Iterator[ProcessRow]:
    """macOS: `ps -E` shows the environments of the user's own processes after their arguments."""
    import subprocess
    from calendar import timegm
    from time import strptime

    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C", "TZ": "UTC"}
    columns = "pid=,ppid=,pgid=,stat=,lstart=,command="
    listed = subprocess.run(
        ["ps", "-x", "-E", "-ww", "-U", str(os.geteuid()), "-o", columns],
        capture_output=True,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    for line in listed.stdout.splitlines():
        fields = line.split(None, 9)
        if len(fields) < 9 or fields[3].startswith(b"Z"):
            continue
        pid = int(fields[0])
        if pid == os.getpid():
            continue
        started = timegm(strptime(b" ".join(fields[4:9]).decode(), "%a %b %d %H:%M:%S %Y"))
        try:
            session = os.getsid(pid)
        except OSError:
            continue
        environ = tuple(fields[9].split(b" ")) if len(fields) > 9 else None
        yield ProcessRow(pid, int(fields[1]), int(fields[2]), session, started, environ)
