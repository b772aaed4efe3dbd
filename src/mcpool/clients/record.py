"""What was written into which file, and what it held before: private files in `clients/` of the home."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mcpool.clients.planning import Entry
from mcpool.config.writing import swap

_FOLDER = "clients"


class _Written(msgspec.Struct):
    path: list[str]
    server: str
    put: dict[str, object]


class _Stored(msgspec.Struct):
    client: str
    file: str
    existed: bool
    digest: str
    entries: list[_Written]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One file of one client that has entries of ours."""

    client: str
    file: Path
    original: bytes | None
    """What it would hold without mcpool; None if it would not be there."""
    digest: str
    """SHA-256 of what was written."""
    entries: tuple[Entry, ...]
    token: str | None = None
    """The name of the token that was made for it, or for another file of the same client."""


def digest_of(content: bytes | None) -> str:
    """SHA-256 in hex; "" for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


class RecordStore:
    """All records of a home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _FOLDER

    def all(self) -> list[Record]:
        """Those that can be read, by client and file."""
        found = [self._read(path) for path in sorted(self._folder.glob("*.json"))] if self._folder.is_dir() else []
        return sorted((record for record in found if record), key=lambda record: (record.client, str(record.file)))

    def in_use(self, token: str) -> bool:
        """Whether a file holds the token of this name, which was made for its client."""
        return any(record.token == token for record in self.all())

    def of(self, client: str, file: Path) -> Record | None:
        """The record of one file, if it has entries of ours."""
        return self._read(self._path(client, file))

    def backup(self, client: str, file: Path) -> Path:
        """Where what the file held before is kept."""
        return self._path(client, file).with_suffix(".backup")

    def keep(self, record: Record) -> None:
        """Write it down: first what the file held, then the record that refers to it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        swap(self.backup(record.client, record.file), record.original or b"")
        written = [_Written([str(part) for part in e.path], e.server, dict(e.put)) for e in record.entries]
        existed = record.original is not None
        stored = _Stored(record.client, str(record.file), existed, record.digest, written, record.token)
        swap(self._path(record.client, record.file), json.dumps(msgspec.to_builtins(stored), indent=2).encode())

    def drop(self, record: Record) -> None:
        """Forget it. The backup stays until the next installation."""
        self._path(record.client, record.file).unlink(missing_ok=True)

    def _path(self, client: str, file: Path) -> Path:
        return self._folder / f"{client}-{hashlib.sha256(str(file).encode()).hexdigest()[:12]}.json"

    def _read(self, path: Path) -> Record | None:
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
            original = path.with_suffix(".backup").read_bytes() if stored.existed else None
        except (OSError, msgspec.MsgspecError):
            return None
        entries = tuple(Entry(tuple(entry.path), entry.server, entry.put) for entry in stored.entries)
        return Record(stored.client, Path(stored.file), original, stored.digest, entries, stored.token)
