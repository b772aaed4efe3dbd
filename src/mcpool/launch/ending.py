"""Ending processes for good: ask, wait, force, and look again until none of them is left. Never blocks the loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass

from mcpool.launch.exit_watch import ExitWatch, watch_exit
from mcpool.launch.process_table import ProcessRow, members, scan_stepwise, send_signal

_STEPS_AT_ONCE = 50
_UNCERTAIN_PAUSE = 0.02
_AFTER_KILL = 1.0
_REAP_PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class Quarry:
    """Whose processes to end."""

    marked: Callable[[ProcessRow], bool]
    """Whether a process carries the mark."""
    groups: Collection[int] = ()
    """Process groups, which are sessions as well, that are certainly still ours."""
    since: int = 0
    """The `started` of the first of them; older processes aren't looked at."""


def _nothing_more() -> None:
    """No force but a signal to each."""


async def end_processes(
    quarry: Quarry, *, grace: float, patience: float = 10.0, force: Callable[[], None] = _nothing_more
) -> list[ProcessRow]:
    """SIGTERM all of them, SIGKILL those that live after `grace` seconds, and repeat until a search finds none.

    `force` is called with each round of SIGKILL; it can kill whole groups, which can't miss who is just being forked.

    Returns those that could not be ended within `patience` seconds after the grace (stuck in the kernel).
    """
    loop = asyncio.get_running_loop()
    forced_from = loop.time() + grace
    give_up = forced_from + patience
    asked: set[tuple[int, int]] = set()
    known: set[tuple[int, int]] = set()
    while True:
        found = await find(quarry, known)
        if not found or loop.time() >= give_up:
            return found
        known |= {row.key for row in found}
        left = forced_from - loop.time()
        if left > 0:
            for row in found:
                if row.key not in asked:
                    send_signal(row, signal.SIGTERM)
                    asked.add(row.key)
            await gone(found, left)
        else:
            force()
            for row in found:
                send_signal(row, signal.SIGKILL)
            await gone(found, _AFTER_KILL)


async def find(quarry: Quarry, known: Collection[tuple[int, int]] = ()) -> list[ProcessRow]:
    """The living processes of `quarry`, and those of `known` (by key) that it no longer covers."""
    rows, certain = await _all_rows(quarry.since)
    if not certain:
        # A process that is just becoming another program shows no environment for a moment.
        await asyncio.sleep(_UNCERTAIN_PAUSE)
        rows, _ = await _all_rows(quarry.since)
    found = members(rows, quarry.marked, quarry.groups)
    keys = {row.key for row in found}
    return found + [row for row in rows if row.key in known and row.key not in keys]


async def gone(rows: Collection[ProcessRow], seconds: float) -> bool:
    """Wait until all of `rows` have ended, at most `seconds`."""
    loop = asyncio.get_running_loop()
    living = len(rows)
    all_gone = asyncio.Event()

    def one_gone() -> None:
        nonlocal living
        living -= 1
        if not living:
            all_gone.set()

    watches: list[ExitWatch] = []
    try:
        watches.extend(watch_exit(loop, row.pid, one_gone) for row in rows)
        async with asyncio.timeout(seconds):
            await all_gone.wait()
        return True
    except TimeoutError:
        return False
    finally:
        for watch in watches:
            watch.close()


async def reap(process: subprocess.Popen[bytes], *, patience: float = 1.0) -> None:
    """Wait for a child that has ended or is just ending, so that no zombie of it stays."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + patience
    while process.poll() is None and loop.time() < give_up:  # noqa: ASYNC110 (the system has no event for it)
        await asyncio.sleep(_REAP_PAUSE)


async def _all_rows(since: int) -> tuple[list[ProcessRow], bool]:
    rows: list[ProcessRow] = []
    for step, row in enumerate(scan_stepwise(since=since), start=1):
        if row is not None:
            rows.append(row)
        if step % _STEPS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return rows, all(row.environ is not None for row in rows)
