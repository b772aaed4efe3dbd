"""What every library subject yields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.driving import Call


@dataclass(frozen=True, slots=True)
class Caller:
    """`echo` returns its text; `big` asks for that many bytes and returns how many characters came."""

    echo: Call
    big: Callable[[int], Awaitable[int]]
