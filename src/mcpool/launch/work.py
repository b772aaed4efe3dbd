"""How much the processes of a server have worked: whether one that says nothing is busy, or waits. Linux only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def work_of(leader: int) -> int:
    """Processor time of a process and all its descendants, in ticks (hundredths of a second), plus what they had to
    read from disk, in pages; 0 where the system does not tell. Takes a fraction of a millisecond."""
    if sys.platform != "linux":
        return 0
    return sum(_work(pid) for pid in _family(leader))


def _family(leader: int) -> Iterator[int]:
    pids = [leader]
    for pid in pids:
        yield pid
        with suppress(OSError):
            for thread in os.listdir(_PROC / str(pid) / "task"):
                children = (_PROC / str(pid) / "task" / thread / "children").read_text()
                pids += map(int, children.split())


def _work(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    # The name of the program stands in parentheses and may hold anything, parentheses included.
    fields = text[text.rindex(")") + 2 :].split()
    page_faults = int(fields[9]) + int(fields[10])
    ticks = sum(map(int, fields[11:15]))
    return page_faults + ticks
