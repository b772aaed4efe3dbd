"""Reading a server's output without letting one server have the event loop to itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import cast

from mcpool.launch.output_pipe import OutputPipe


class Clock:
    """As much of an event loop as a pipe needs, with a time of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.read: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self.now

    def add_reader(self, handle: int, callback: Callable[[], None]) -> None:
        self.read = callback

    def remove_reader(self, handle: int) -> None:
        self.read = lambda: None

    def is_closed(self) -> bool:
        return False


def test_reads_do_not_grow_with_the_traffic_when_what_is_read_takes_long() -> None:
    clock, sizes, flood = Clock(), list[int](), bytes(300_000)

    def on_bytes(data: bytes) -> None:
        sizes.append(len(data))
        clock.now += 0.1

    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    pipe = OutputPipe(cast(asyncio.AbstractEventLoop, clock), ours, on_bytes, lambda: None)
    try:
        for _ in range(3):
            os.write(theirs, flood)
            clock.read()
    finally:
        pipe.close()
        os.close(theirs)
    assert sizes == [65536] * 3
