"""How much memory servers use, with all processes that they started. Linux only; reads /proc when it is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """What the processes of one server use together, in bytes."""

    rss: int
    """Resident; what processes share is counted for each of them."""
    pss: int | None
    """Resident, with what is shared divided among those who share it; None if the system does not say."""
    processes: int


def memory_of(leaders: Collection[int]) -> dict[int, Memory]:
    """The memory of each process group or session that one of `leaders` leads, those that are gone left out.

    Reads files of the kernel for each process, which takes some milliseconds: not for an event loop.
    """
    if sys.platform != "linux" or not leaders:
        return {}
    found: dict[int, list[int]] = {}
    for name in os.listdir(_PROC):
        if name.isdigit():
            with suppress(OSError):
                pid = int(name)
                leader = next((group for group in (os.getpgid(pid), os.getsid(pid)) if group in leaders), None)
                if leader is not None:
                    found.setdefault(leader, []).append(pid)
    measured = ((leader, [each for pid in pids if (each := _measure(pid))]) for leader, pids in found.items())
    return {leader: _together(each) for leader, each in measured if each}


def memory_of_processes(pids: Collection[int]) -> Memory | None:
    """What exactly these processes use together; None if none can be measured."""
    measured = [each for pid in pids if (each := _measure(pid))] if sys.platform == "linux" else []
    return _together(measured) if measured else None


def _measure(pid: int) -> tuple[int, int | None] | None:
    try:
        fields = parse_rollup((_PROC / str(pid) / "smaps_rollup").read_text())
        return fields["Rss"], fields.get("Pss")
    except (OSError, KeyError):
        pass  # It is gone, a zombie, or belongs to another user.
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return (pages * os.sysconf("SC_PAGE_SIZE"), None) if pages else None


def parse_rollup(text: str) -> dict[str, int]:
    """The sizes in a `smaps_rollup`, in bytes."""
    fields = (line.split() for line in text.splitlines())
    return {parts[0][:-1]: int(parts[1]) * 1024 for parts in fields if len(parts) == 3 and parts[2] == "kB"}


def _together(measured: list[tuple[int, int | None]]) -> Memory:
    shares = [pss for _, pss in measured if pss is not None]
    return Memory(
        rss=sum(rss for rss, _ in measured),
        pss=sum(shares) if len(shares) == len(measured) else None,
        processes=len(measured),
    )
