"""Ports that nobody else gets: tests run beside each other, and beside whatever else the machine does."""

from __future__ import annotations

import random
import socket

_RANGE = range(10_000, 32_768)
"""Below those that Linux and macOS give to who asks for any free port, or connects to somebody."""

_draw = random.SystemRandom()


def closed_port() -> int:
    """A port on loopback that nobody listens on; whoever wants it gets it only by naming it."""
    while True:
        port = _draw.choice(_RANGE)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
