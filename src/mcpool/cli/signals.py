"""Ending the daemon by signal: in good order at the first, also while it starts; at once at the second."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpool.gateway.daemon import Daemon


class Interrupted(BaseException):
    """A signal came before there was a daemon to be told."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


class Signals:
    """Which signal came, and whom to tell."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._daemon: Daemon | None = None
        self._starting = asyncio.current_task()

    @classmethod
    @asynccontextmanager
    async def handled(cls) -> AsyncGenerator[Signals]:
        """Handle SIGINT, SIGTERM and SIGHUP during the block.

        Raises:
            Interrupted: one came before `from_now_on`.
        """
        signals = cls()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, signals._on_signal, number)
        try:
            yield signals
        except asyncio.CancelledError:
            if signals.received is None:
                raise
            raise Interrupted(signals.received) from None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that ended by a signal; 0 if none came."""
        return 0 if self.received is None else 128 + self.received

    def from_now_on(self, daemon: Daemon) -> None:
        """It has started: it is asked to end instead of being interrupted."""
        self._daemon = daemon

    def _on_signal(self, number: signal.Signals) -> None:
        if self.received is not None:
            # The warden ends the servers.
            os._exit(128 + number)
        self.received = number
        if self._daemon is not None:
            self._daemon.stop(number.name)
        elif self._starting is not None:
            self._starting.cancel()
