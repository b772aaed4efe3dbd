"""Which projects the user trusts. A project's configuration runs programs: it counts only as the user saw it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal, cast

from mcpool.config.private_record import PrivateRecord

Trust = Literal["trusted", "unknown", "changed"]
"""`changed`: another version of the file was trusted."""

TRUSTED = "trusted.json"
"""The file's name in the home."""


class TrustStore:
    """The trusted files of one home, each with the digest of what the user saw. Kept for the user alone."""

    def __init__(self, home: Path) -> None:
        remedy = "remove it, and trust your projects anew"
        self._record = PrivateRecord[dict[str, str]](home / TRUSTED, _digests, dict, remedy)

    def of(self, file: Path, digest: str) -> Trust:
        """Whether a file that has this digest now is trusted.

        Raises:
            ConfigError: the list of trusted files cannot be read.
        """
        known = self._record.value().get(_key(file))
        if known is None:
            return "unknown"
        return "trusted" if secrets.compare_digest(known, digest) else "changed"

    def trust(self, file: Path, digest: str) -> None:
        """From now on the file is trusted as it is. Raises: ConfigError, OSError."""
        with self._record.changing() as trusted:
            trusted[_key(file)] = digest

    def distrust(self, file: Path) -> bool:
        """From now on it is not; False if it was not before. Raises: ConfigError, OSError."""
        with self._record.changing() as trusted:
            return trusted.pop(_key(file), None) is not None

    def files(self) -> tuple[Path, ...]:
        """What is trusted. Raises: ConfigError."""
        return tuple(Path(name) for name in sorted(self._record.value()))


def _digests(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        msg = "it holds no JSON object"
        raise ValueError(msg)
    return {name: digest for name, digest in cast("dict[str, object]", value).items() if isinstance(digest, str)}


def _key(file: Path) -> str:
    return str(file.resolve())
