"""One daemon per home: whoever holds this lock is it. The system lets go of it however the daemon ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from mcpool.errors import DaemonError

_POLL = 0.05


class HomeLock:
    """A held lock on a home. Closing it, or dying, gives it up."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, home: Path, *, timeout: float) -> HomeLock:
        """Take the lock of `home`, waiting up to `timeout` seconds for a daemon that is on its way out.

        Raises:
            DaemonError: it is still held; the message names the process.
        """
        fd = os.open(home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + timeout
        try:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                        raise DaemonError(
                            f"the daemon of {home} (pid {holder}) runs but does not listen, and did not end within "
                            f"{timeout:.0f} s; end it with `kill -9 {holder}` (its servers end with it) and try again"
                        ) from None
                    time.sleep(_POLL)
                else:
                    break
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd)

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give it up."""
        os.close(self._fd)


def await_unlocked(home: Path, *, timeout: float) -> None:
    """Return when no daemon holds the lock of `home` (any more).

    Raises:
        DaemonError: one still does after `timeout` seconds.
    """
    HomeLock.take(home, timeout=timeout).close()
