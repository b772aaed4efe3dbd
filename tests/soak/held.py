"""What a program with a host in it holds, and whether that has grown."""

from __future__ import annotations

import asyncio
import gc
import os
from dataclasses import dataclass
from pathlib import Path

MORE = 16
"""Tasks and descriptors more or less mean nothing: a process may just be starting or ending."""

MORE_MEMORY = 4 * 2**20
"""Bytes more that mean nothing: what the allocator keeps of a busy moment."""


@dataclass(frozen=True)
class Held:
    """At one moment."""

    tasks: int
    descriptors: int
    memory: int
    """Resident bytes of this process."""
    warden: int
    """The same of its warden."""

    def __str__(self) -> str:
        memory = f"{self.memory / 2**20:.1f} MiB, {self.warden / 2**20:.1f} MiB of the warden"
        return f"{self.tasks} tasks, {self.descriptors} descriptors, {memory}"


def held() -> Held:
    """What this process holds now."""
    gc.collect()
    wardens = [pid for pid in _children() if b"warden.py" in _read(pid, "cmdline")]
    return Held(
        tasks=len(asyncio.all_tasks()),
        descriptors=len(os.listdir("/proc/self/fd")),
        memory=_resident(os.getpid()),
        warden=sum(map(_resident, wardens)),
    )


def grown(before: Held, after: Held) -> list[str]:
    """What there is more of than chance explains."""
    steps = {"tasks": MORE, "descriptors": MORE, "memory": MORE_MEMORY, "warden": MORE_MEMORY}
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in steps}
    return [f"{name} grew from {was:,} to {now:,}" for name, (was, now) in pairs.items() if now > was + steps[name]]


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _resident(pid: int) -> int:
    return int((_read(pid, "statm").split() or (b"0", b"0"))[1]) * os.sysconf("SC_PAGE_SIZE")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
