"""The warden: a tiny process that ends everything a host started once that host is gone, however it went.

Run by path as `python -I -S warden.py HOST_PID COOKIE`, in a session of its own, with SIGINT, SIGTERM and SIGHUP
blocked from birth, and an environment that carries no cookie. One line each on standard input: `watch PGID`,
`unwatch PGID`, `container ARG<0x1f>ARG...` (a program that started containers), `bye`. The host is gone when it has
ended, or when the input ends without a `bye`.

Standard library only, and as little of it as possible: it lives as long as the host and should cost nothing.
"""

from __future__ import annotations

import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpool.launch.process_table import ProcessRow

GRACE = 1.0
"""Seconds from SIGTERM to SIGKILL."""
GIVE_UP = 30.0
"""Seconds after which processes that not even SIGKILL ends are left."""
_PAUSE = 0.05
_CLEAN_SEARCHES = 2


class Charge:
    """What the warden was told to look after."""

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie
        self.groups: dict[int, int] = {}
        """Process group to the start of its leader (0: it had ended already), so that a reused number is noticed."""
        self.containers: set[tuple[str, ...]] = set()
        self.dismissed = False

    def hear(self, line: bytes) -> None:
        """Take in one line of the protocol. What it doesn't know it ignores."""
        word, _, rest = line.partition(b" ")
        if word == b"bye":
            self.dismissed = True
        elif word == b"container" and rest:
            self.containers.add(tuple(os.fsdecode(part) for part in rest.split(b"\x1f")))
        elif rest.isdigit():
            from mcpool.launch.process_table import look

            if word == b"watch":
                leader = look(int(rest))
                self.groups[int(rest)] = leader.started if leader else 0
            elif word == b"unwatch":
                self.groups.pop(int(rest), None)

    def find(self, known: set[tuple[int, int]], since: int) -> list[ProcessRow]:
        """The living processes that are left: by cookie, by group, or known from an earlier search."""
        from mcpool.launch.process_table import HOST_COOKIE, members, scan

        rows = list(scan(since=since))
        reused = {row.pid for row in rows if row.pid in self.groups and self.groups[row.pid] != row.started}
        groups = [group for group in self.groups if group not in reused]
        found = members(rows, lambda row: bool(self.cookie) and row.carries(HOST_COOKIE, self.cookie), groups)
        keys = {row.key for row in found}
        return found + [row for row in rows if row.key in known and row.key not in keys]


def watch(host: int, charge: Charge) -> None:
    """Take in lines until the host is gone or says good-bye."""
    poller = select.poll()
    poller.register(0, select.POLLIN)
    death = _death_handle(host)
    if os.getppid() != host:
        # It was gone before it could be watched, and its number may be another's by now.
        death = None
    if death is not None:
        poller.register(death, select.POLLIN)
    partial = b""
    while not charge.dismissed:
        # Without a handle the parent's number tells, as a process whose parent died gets another.
        events = dict(poller.poll(None if death is not None else 200))
        if 0 in events:
            data = os.read(0, 65536)
            *lines, partial = (partial + data).split(b"\n")
            for line in lines:
                charge.hear(line)
            if not data:
                return
        elif death in events or os.getppid() != host:
            return


def end_all(charge: Charge, since: int) -> None:
    """SIGTERM, a short grace, SIGKILL, until two searches in a row find nothing."""
    import signal

    from mcpool.launch.process_table import send_signal

    begun = time.monotonic()
    known: set[tuple[int, int]] = set()
    clean = 0
    while clean < _CLEAN_SEARCHES and time.monotonic() < begun + GIVE_UP:
        found = charge.find(known, since)
        clean = 0 if found else clean + 1
        force = time.monotonic() >= begun + GRACE
        for row in found:
            if force:
                send_signal(row, signal.SIGKILL)
            elif row.key not in known:
                send_signal(row, signal.SIGTERM)
            known.add(row.key)
        if clean < _CLEAN_SEARCHES:
            time.sleep(_PAUSE)


def remove_containers(charge: Charge) -> None:
    """Remove by label what the container programs started for this host."""
    if not charge.containers:
        return
    import subprocess

    label = f"label=mcpool.host={charge.cookie}"
    for client in charge.containers:
        try:
            listed = subprocess.run(
                [*client, "ps", "-aq", "--filter", label],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=GIVE_UP,
            )
            if ids := listed.stdout.split():
                subprocess.run(
                    [*client, "rm", "-f", *map(os.fsdecode, ids)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    timeout=GIVE_UP,
                )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"containers of {client[0]} were not removed: {error}", file=sys.stderr)


def main(arguments: list[str]) -> None:
    """Watch the host `arguments[0]` with the cookie `arguments[1]`, then end what it left."""
    _load_package()
    from mcpool.launch.process_table import look

    host = int(arguments[0])
    charge = Charge(arguments[1])
    process = look(host)
    watch(host, charge)
    if not charge.dismissed:
        end_all(charge, process.started if process else 0)
        remove_containers(charge)


def _death_handle(pid: int) -> int | None:
    """Something that becomes readable when the process ends; None if the system has nothing of the kind."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except (AttributeError, OSError):
        pass
    kernel = vars(select)
    if "kqueue" not in kernel:
        return None
    queue = kernel["kqueue"]()
    try:
        queue.control(
            [kernel["kevent"](pid, kernel["KQ_FILTER_PROC"], kernel["KQ_EV_ADD"], kernel["KQ_NOTE_EXIT"])], 0, 0
        )
    except OSError:
        queue.close()
        return None
    # The object owns its descriptor and would close it.
    return os.dup(queue.fileno())


def _load_package() -> None:
    """Make `mcpool.launch` importable without running `mcpool/__init__.py`, which serves other needs."""
    package = type(sys)("mcpool")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["mcpool"] = package


if __name__ == "__main__":
    main(sys.argv[1:])
