"""What other processes cost, from /proc: nanoseconds on a CPU, and proportional memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Time that all threads of a process have spent on a CPU."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    return total / 1e9


def pss_bytes(pid: int) -> int:
    """Proportional set size of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    msg = f"no PSS for process {pid}"
    raise RuntimeError(msg)


def children(pid: int) -> list[int]:
    """Process ids of all descendants."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            direct = [int(child) for child in (task / "children").read_text().split()]
        except FileNotFoundError:
            continue
        for child in direct:
            found += [child, *children(child)]
    return found


def command_line(pid: int) -> list[str]:
    """The arguments of a process, empty if it is gone."""
    try:
        return [part.decode() for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if part]
    except OSError:
        return []


def end(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a process that was started in a session of its own, and everything left in that session."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(happened: Iterable[bool], seconds: float, what: str) -> None:
    """Poll until a generator of tests yields true.

    Raises:
        TimeoutError: it did not within that time.
    """
    deadline = time.monotonic() + seconds
    for yes in happened:
        if yes:
            return
        if time.monotonic() > deadline:
            msg = f"{what} did not happen within {seconds:.0f} s"
            raise TimeoutError(msg)
        time.sleep(0.002)
