"""What is known of bytes that were written to a process that then ended."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from mcpool.launch.input_pipe import InputPipe


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is left in a pipe without a reader")
async def test_what_was_read_stays_sent_however_often_it_is_looked_at() -> None:
    """Invariant 6: the end of its input and its exit are two events, and each looks."""
    reading, writing = os.pipe()
    pipe = InputPipe(asyncio.get_running_loop(), writing, lambda: None)
    pipe.write(b"taken")
    assert os.read(reading, 5) == b"taken"
    pipe.write(b"left")
    os.close(reading)

    pipe.settle()
    pipe.settle()

    assert pipe.sent == len(b"taken")
    pipe.close()


async def test_what_waits_never_leaves_once_it_is_finished() -> None:
    """Invariant 6: what was found unsent is sent to another process, so this one must not get it after all."""
    reading, writing = os.pipe()
    pipe = InputPipe(asyncio.get_running_loop(), writing, lambda: None)
    pipe.write(bytes(4_000_000))
    assert pipe.buffered

    pipe.finish()
    pipe.write(b"more")

    got = 0
    while got < pipe.sent:
        got += len(os.read(reading, 1 << 20))
        await asyncio.sleep(0)
    pipe.close()
    assert os.read(reading, 1) == b""
    os.close(reading)
