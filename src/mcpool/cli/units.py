"""Quantities in a few characters, for people."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """`41 s`, `7 min`, `3 h 5 min`, `2 d 1 h`."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def soon(seconds: float) -> str:
    """When something happens that lies so far ahead."""
    return f"in {duration(math.ceil(seconds))}" if seconds > 1 else "within a second"


def latency(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `1.3 s`, `75 s`."""
    if seconds < 0.00005:
        return "<0.1 ms"
    if seconds < 0.00995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def size(count: int) -> str:
    """`812 kB`, `43 MB`, `1.2 GB`."""
    if count < 999_500:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1e6:.0f} MB" if count < 999_500_000 else f"{count / 1e9:.1f} GB"
