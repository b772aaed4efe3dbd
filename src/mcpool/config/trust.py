"""Which projects the user trusts. A project's configuration runs programs: it counts only as the user saw it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from mcpool.errors import ConfigError

Trust = Literal["trusted", "unknown", "changed"]
"""`changed`: another version of the file was trusted."""

TRUSTED = "trusted.json"
"""The file's name in the home."""


class TrustStore:
    """The trusted files of one home, each with the digest of what the user saw. Kept for the user alone."""

    def __init__(self, home: Path) -> None:
        self._file = home / TRUSTED

    def of(self, file: Path, digest: str) -> Trust:
        """Whether a file that has this digest now is trusted.

        Raises:
            ConfigError: the list of trusted files cannot be read.
        """
        known = self._read().get(_key(file))
        if known is None:
            return "unknown"
        return "trusted" if secrets.compare_digest(known, digest) else "changed"

    def trust(self, file: Path, digest: str) -> None:
        """From now on the file is trusted as it is. Raises: ConfigError, OSError."""
        with self._changing() as trusted:
            trusted[_key(file)] = digest

    def distrust(self, file: Path) -> bool:
        """From now on it is not; False if it was not before. Raises: ConfigError, OSError."""
        with self._changing() as trusted:
            return trusted.pop(_key(file), None) is not None

    def files(self) -> tuple[Path, ...]:
        """What is trusted. Raises: ConfigError."""
        return tuple(Path(name) for name in sorted(self._read()))

    def _read(self) -> dict[str, str]:
        try:
            value: object = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(
                [f"{self._file} cannot be read: {error}; remove it, and trust your projects anew"]
            ) from None
        if not isinstance(value, dict):
            raise ConfigError([f"{self._file} holds no JSON object; remove it, and trust your projects anew"])
        return {name: digest for name, digest in cast("dict[str, object]", value).items() if isinstance(digest, str)}

    @contextmanager
    def _changing(self) -> Generator[dict[str, str]]:
        lock = os.open(self._file.with_name(f"{TRUSTED}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            trusted = self._read()
            yield trusted
            temporary = self._file.with_name(f".{TRUSTED}-{secrets.token_hex(8)}")
            temporary.touch(0o600, exist_ok=False)
            try:
                temporary.write_text(json.dumps(trusted, indent=2, sort_keys=True) + "\n", "utf-8")
                temporary.replace(self._file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        finally:
            os.close(lock)


def _key(file: Path) -> str:
    return str(file.resolve())
