"""A small JSON file in the home that several processes change, kept for the user alone."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from mcpool.errors import ConfigError

T = TypeVar("T")


class PrivateRecord(Generic[T]):
    """One value in one file: read whole, and replaced whole."""

    def __init__(self, file: Path, read: Callable[[object], T], empty: Callable[[], T], remedy: str) -> None:
        """`read` makes the value of what was written, and raises ValueError if it is something else; `empty` is the
        value of a file that is not there. `remedy` says what to do with a file that cannot be read."""
        self.file = file
        self._read = read
        self._empty = empty
        self._remedy = remedy

    def value(self) -> T:
        """What is written. Raises: ConfigError."""
        try:
            return self._read(json.loads(self.file.read_text("utf-8")))
        except FileNotFoundError:
            return self._empty()
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError([f"{self.file} cannot be read: {error}; {self._remedy}"]) from None

    @contextmanager
    def changing(self) -> Generator[T]:
        """The value, to be changed in place, while nobody else changes it. Raises: ConfigError, OSError."""
        lock = os.open(self.file.with_name(f"{self.file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            value = self.value()
            yield value
            temporary = self.file.with_name(f".{self.file.name}-{secrets.token_hex(8)}")
            temporary.touch(0o600, exist_ok=False)
            try:
                temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
                temporary.replace(self.file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        finally:
            os.close(lock)
