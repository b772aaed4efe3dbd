"""Who started a process: the cookie of a host, and the file by which others see whether that host still lives.

Each process that a host starts, and each of its descendants, carries `MCPOOL_HOST=<home id>.<host>`. The host holds a
lock on `hosts/<host>` in its home as long as it lives, however it ends. The home id is random, not made from the path:
a container with a home of the same path has nothing to do with this one.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

_ID = re.compile(r"[0-9a-f]{16}")
_SEPARATOR = "\x1f"


class HostCookie:
    """A living host's claim. Hold it from before the first process is started until after the last one is gone."""

    def __init__(self, text: str, path: Path, handle: int) -> None:
        self.text = text
        """The value of `MCPOOL_HOST`."""
        self._path = path
        self._handle: int | None = handle
        self._clients: set[tuple[str, ...]] = set()

    def __repr__(self) -> str:
        return f"<HostCookie {self.text}>"

    @classmethod
    def claim(cls, home: Path) -> Self:
        """Become a host of `home`, which is made (0700) if it is missing.

        Raises:
            OSError: the home can't be written.
        """
        text = f"{home_id(home)}.{secrets.token_hex(8)}"
        path = _record(home, text)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        unlocked = path.with_name(f".{path.name}")
        handle = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Under its final name it is never seen unlocked, which would mean a dead host.
            unlocked.rename(path)
        except OSError:
            os.close(handle)
            unlocked.unlink(missing_ok=True)
            raise
        cookie = cls(text, path, handle)
        _held().add(cookie)  # a forked child shares the lock: through it a dead host would look alive
        return cookie

    def remember_container(self, client: Sequence[str]) -> None:
        """Write down that containers are started by this program, so that whoever sweeps knows whom to ask."""
        if self._handle is not None and tuple(client) not in self._clients:
            self._clients.add(tuple(client))
            os.write(self._handle, (_SEPARATOR.join(client) + "\n").encode())

    def close(self) -> None:
        """Stop being a host. Safe to call twice."""
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            self.let_go()

    def let_go(self) -> None:
        """Close the file and leave it as it is."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def home_id(home: Path) -> str:
    """The id of a home, made on first use."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(home / "id", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(handle, "r+", encoding="utf-8", errors="replace") as file:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = file.read().strip()
        if _ID.fullmatch(known):
            return known
        made = secrets.token_hex(8)
        file.seek(0)
        file.truncate()
        file.write(f"{made}\n")
        return made


def is_alive(home: Path, cookie: str) -> bool:
    """Whether the host of that cookie, one of `home`, still lives. When in doubt it does."""
    try:
        handle = os.open(_record(home, cookie), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def dead_hosts(home: Path) -> list[str]:
    """The cookies of hosts of `home` that left without saying good-bye."""
    own = home_id(home)
    with suppress(FileNotFoundError):
        cookies = [f"{own}.{path.name}" for path in (home / "hosts").iterdir() if _ID.fullmatch(path.name)]
        return sorted(cookie for cookie in cookies if not is_alive(home, cookie))
    return []


def container_clients(home: Path, cookie: str) -> list[tuple[str, ...]]:
    """The container programs that this host started containers with."""
    try:
        text = _record(home, cookie).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [tuple(line.split(_SEPARATOR)) for line in text.splitlines()]


def forget(home: Path, cookie: str) -> None:
    """Nothing is left of that dead host."""
    _record(home, cookie).unlink(missing_ok=True)


def _record(home: Path, cookie: str) -> Path:
    return home / "hosts" / os.path.basename(cookie.partition(".")[2] or "-")


@cache
def _held() -> weakref.WeakSet[HostCookie]:
    """The cookies of this process. The system's list of what to do after a fork can't be shortened, so all share one
    place on it."""
    held = weakref.WeakSet[HostCookie]()

    def in_child() -> None:
        for cookie in tuple(held):
            cookie.let_go()

    os.register_at_fork(after_in_child=in_child)
    return held
