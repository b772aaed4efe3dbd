"""A line that a person types or pastes and nobody sees. All else in the process goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Generator
from contextlib import contextmanager


async def hidden_line(prompt: str) -> str:
    """What comes on standard input until the end of the line, or of the input. At a terminal `prompt` asks for it.

    Raises:
        EOFError: standard input ended before anything came.
    """
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):  # it is closed
        raise EOFError from None
    with _without_echo(descriptor, prompt):
        line = bytearray()
        while b"\n" not in line:
            await _readable(descriptor)
            byte = os.read(descriptor, 1)  # what follows the line is for whoever reads the next one
            if not byte and not line:
                raise EOFError
            if not byte:
                break
            line += byte
    return line.decode(errors="replace").rstrip("\r\n")


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    try:
        loop.add_reader(descriptor, came.set)
    except PermissionError:
        return  # a file: it never lets one wait
    try:
        await came.wait()
    finally:
        loop.remove_reader(descriptor)


@contextmanager
def _without_echo(descriptor: int, prompt: str) -> Generator[None]:
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    hidden = [*before]
    hidden[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
    try:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        sys.stderr.write("\n")
